package okta

import (
	"strings"

	"jitaudit/schemas"
)

// governanceStep is the step of a request in Okta Identity Governance; empty for
// any other event type.
func governanceStep(eventType []byte) schemas.RequestStep {
	switch string(eventType) {
	case "access.request.create":
		return schemas.StepCreated
	case "access.request.update":
		return schemas.StepUpdated
	case "access.request.resolve":
		return schemas.StepResolved
	case "access.request.reject":
		return schemas.StepDenied
	case "access.request.cancel":
		return schemas.StepCancelled
	case "access.request.expire":
		return schemas.StepExpired
	}
	return ""
}

// governance reads a step of an access request. Who approved it, for how long and
// why is in none of these events. One that says neither whom the access is for
// nor who asked, or no id, proves nothing.
func (d *Decoder) governance(f *schemas.Fact, all things, step schemas.RequestStep) bool {
	said := d.readDebug()
	target := all.first("ACCESS_REQUEST")
	id, subject := said[qID], said[qSubject]
	if id == "" {
		id = known(target.id)
	}
	if subject == "" {
		subject = known(target.name)
	}
	grantee := said[qRequestedFor]
	if grantee == "" {
		grantee = said[qRequester]
	}
	if id == "" || grantee == "" {
		return false
	}
	f.Kind, f.Who = schemas.Requested, d.user(grantee, all).identity()
	f.Request = &schemas.Request{ID: id, Step: step, Origin: schemas.OriginGovernance, Condition: said[qCondition], Subject: subject}
	if said[qRequester] != "" {
		f.Request.Requester = d.user(said[qRequester], all).asActor()
	}
	resource, kind := objectID(said[qResource]), said[qResourceType]
	switch {
	case strings.EqualFold(said[qScopeType], "GROUP"):
		f.Request.GroupID = objectID(said[qScope])
	case strings.EqualFold(kind, "GROUP"):
		f.Request.GroupID = resource
	}
	if strings.EqualFold(kind, "APP") || strings.EqualFold(kind, "APPLICATION") {
		f.Request.AppID = resource
	}
	return true
}

// user is the user with an id: what the event says of them if they are the actor
// or a target, else the id alone.
func (d *Decoder) user(id string, all things) target {
	if actor := d.actor(); actor.id == id {
		return actor
	}
	for _, t := range all {
		if t.kind == "User" && t.id == id {
			return t.target
		}
	}
	return target{id: id}
}

// objectID takes the id out of an Okta resource name, orn:okta:SERVICE:ORG:…:ID,
// by which governance names resources in places; an id stays as it is.
func objectID(name string) string {
	if strings.HasPrefix(name, "orn:") {
		return name[strings.LastIndexByte(name, ':')+1:]
	}
	return name
}

// selfServiceStep is the step of a request for an application in Okta's older
// self-service; empty for any other event type.
func selfServiceStep(eventType []byte) schemas.RequestStep {
	switch string(eventType) {
	case "app.access_request.request":
		return schemas.StepCreated
	case "app.access_request.approver.approve":
		return schemas.StepApproved
	case "app.access_request.grant":
		return schemas.StepGranted
	case "app.access_request.approver.deny", "app.access_request.deny":
		return schemas.StepDenied
	case "app.access_request.expire":
		return schemas.StepExpired
	case "app.access_request.delete":
		return schemas.StepCancelled
	}
	return ""
}

// selfService reads a step of a request for an application. It has no id: a
// further request of the same user for the same application has the same one.
// Okta does not document that the actor of an approver's step is the approver,
// but nobody else could take it.
func (d *Decoder) selfService(f *schemas.Fact, all things, eventType []byte, step schemas.RequestStep) bool {
	app, user, actor := all.first("AppInstance"), all.first("User").target, d.actor()
	asked := step == schemas.StepCreated
	if asked && !user.named() && actor.kind == "User" {
		user = actor
	}
	if !user.named() || known(app.id) == "" {
		return false
	}
	f.Kind, f.Who = schemas.Requested, user.identity()
	whose := f.Who.OktaUserID
	if whose == "" {
		whose = f.Who.Login
	}
	f.Request = &schemas.Request{
		ID: app.id + "/" + whose, Step: step, Origin: schemas.OriginSelfService,
		AppID: app.id, Justification: d.readDebug()[qComment],
	}
	if asked {
		f.Request.Requester = actor.asActor()
	}
	if strings.HasPrefix(string(eventType), "app.access_request.approver.") && actor.named() {
		f.Request.Approvers = []schemas.Actor{actor.asActor()}
	}
	return true
}
