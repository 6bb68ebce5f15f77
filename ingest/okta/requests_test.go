package okta_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/okta"
	"jitaudit/schemas"
)

// asked is what access.request.* say in debugData, as the catalogue of event
// types spells it: Bob asks for Ada.
const asked = `"access_request_id":"641d0c5a1f4e2b0008a1c3d5","permalink_id":"4711","access_request_status":"OPEN","access_request_subject":"AWS access: AWS-prod-Admin","access_request_source":"WEB",` +
	`"requester_id":"00u1bob0000000002d7","requested_for_id":"00u1ada0000000001d7","requested_resource_id":"0oa1awsprod00004d7","requested_resource_type":"APP","access_scope_id":"00g1hah8ggxe3zxe2yd7","access_scope_type":"GROUP",` +
	`"access_request_matched_condition_id":"reqcond1hah8ggxe3zxe","access_request_approval_sequence_id":"seq1"`

// camel is asked as the log spells keys.
const camel = `"accessRequestId":"641d0c5a1f4e2b0008a1c3d5","accessRequestStatus":"OPEN","accessRequestSubject":"AWS access: AWS-prod-Admin",` +
	`"requesterId":"00u1bob0000000002d7","requestedForId":"00u1ada0000000001d7","requestedResourceId":"0oa1awsprod00004d7","requestedResourceType":"APP","accessScopeId":"00g1hah8ggxe3zxe2yd7","accessScopeType":"GROUP",` +
	`"accessRequestMatchedConditionId":"reqcond1hah8ggxe3zxe"`

var (
	adaByID = schemas.Identity{Org: "example", OktaUserID: "00u1ada0000000001d7"}
	bobByID = schemas.Actor{ID: "00u1bob0000000002d7"}
)

// requested sets a step of the request of asked.
func requested(step schemas.RequestStep, change func(*schemas.Request)) func(*schemas.Fact) {
	return func(f *schemas.Fact) {
		f.Request = &schemas.Request{
			ID: "641d0c5a1f4e2b0008a1c3d5", Step: step, Origin: schemas.OriginGovernance, Requester: bobByID,
			GroupID: "00g1hah8ggxe3zxe2yd7", AppID: "0oa1awsprod00004d7", Condition: "reqcond1hah8ggxe3zxe", Subject: "AWS access: AWS-prod-Admin",
		}
		if change != nil {
			change(f.Request)
		}
	}
}

func TestStepsOfAccessRequests(t *testing.T) {
	for eventType, step := range map[string]schemas.RequestStep{
		"access.request.create":  schemas.StepCreated,
		"access.request.update":  schemas.StepUpdated,
		"access.request.resolve": schemas.StepResolved,
		"access.request.reject":  schemas.StepDenied,
		"access.request.cancel":  schemas.StepCancelled,
		"access.request.expire":  schemas.StepExpired,
	} {
		proves(t, eventType, envelope{eventType: eventType, actor: connector, debug: asked, targets: []string{request}},
			proof(schemas.Requested, adaByID, requested(step, nil)))
	}
	for _, eventType := range []string{"access.request.approve", "access.request.settings.update", "access.request.sequence.create", "access.request.condition.delete"} {
		provesNothing(t, eventType, envelope{eventType: eventType, actor: connector, debug: asked, targets: []string{request}})
	}
}

func TestAccessRequests(t *testing.T) {
	with := func(old, new string) string {
		if !strings.Contains(asked, old) {
			t.Fatalf("%q is not there to be replaced", old)
		}
		return strings.Replace(asked, old, new, 1)
	}
	bobKnown := func(r *schemas.Request) { r.Requester = byBob }
	byGroup := func(r *schemas.Request) { r.GroupID, r.AppID = "00g1other", "" }
	for _, tc := range []struct {
		name string
		e    envelope
		want schemas.Fact
	}{
		{"keys as the log spells them", envelope{actor: connector, debug: camel, targets: []string{request}}, proof(schemas.Requested, adaByID, requested(schemas.StepCreated, nil))},
		{"the actor is who asked", envelope{actor: bob, debug: asked, targets: []string{request}}, proof(schemas.Requested, adaByID, requested(schemas.StepCreated, bobKnown))},
		{"both people are targets", envelope{actor: connector, debug: asked, targets: []string{ada, request, bob}}, proof(schemas.Requested, whoAda, requested(schemas.StepCreated, bobKnown))},
		{"for oneself", envelope{actor: bob, debug: with(`"requested_for_id":"00u1ada0000000001d7"`, `"requested_for_id":null`), targets: []string{request}},
			proof(schemas.Requested, whoBob, requested(schemas.StepCreated, bobKnown))},
		{"nobody said to have asked", envelope{actor: connector, debug: with(`"00u1bob0000000002d7"`, `"unknown"`), targets: []string{request}},
			proof(schemas.Requested, adaByID, requested(schemas.StepCreated, func(r *schemas.Request) { r.Requester = schemas.Actor{} }))},
		{"id and subject of the target", envelope{actor: connector, debug: with(`"access_request_id":"641d0c5a1f4e2b0008a1c3d5","permalink_id":"4711","access_request_status":"OPEN","access_request_subject":"AWS access: AWS-prod-Admin",`, ``), targets: []string{ada, request}},
			proof(schemas.Requested, whoAda, requested(schemas.StepCreated, nil))},
		{"group as the resource", envelope{actor: connector, debug: with(`"requested_resource_id":"0oa1awsprod00004d7","requested_resource_type":"APP","access_scope_id":"00g1hah8ggxe3zxe2yd7","access_scope_type":"GROUP"`, `"requested_resource_id":"00g1other","requested_resource_type":"group"`)},
			proof(schemas.Requested, adaByID, requested(schemas.StepCreated, byGroup))},
		{"group by its resource name", envelope{actor: connector, debug: with(`"requested_resource_id":"0oa1awsprod00004d7","requested_resource_type":"APP","access_scope_id":"00g1hah8ggxe3zxe2yd7"`, `"requested_resource_id":"orn:okta:directory:00o1example:groups:00g1hah8ggxe3zxe2yd7","requested_resource_type":"GROUP","access_scope_id":"orn:okta:directory:00o1example:groups:00g1other"`)},
			proof(schemas.Requested, adaByID, requested(schemas.StepCreated, byGroup))},
		{"application and bundle", envelope{actor: connector, debug: with(`"APP","access_scope_id":"00g1hah8ggxe3zxe2yd7","access_scope_type":"GROUP"`, `"APPLICATION","access_scope_id":"enb1","access_scope_type":"ENTITLEMENT_BUNDLE"`)},
			proof(schemas.Requested, adaByID, requested(schemas.StepCreated, func(r *schemas.Request) { r.GroupID = "" }))},
	} {
		tc.e.eventType = "access.request.create"
		proves(t, tc.name, tc.e, tc.want)
	}
	for name, debug := range map[string]string{
		"nobody": with(`"requester_id":"00u1bob0000000002d7","requested_for_id":"00u1ada0000000001d7",`, ``),
		"no id":  with(`"access_request_id":"641d0c5a1f4e2b0008a1c3d5"`, `"access_request_id":"unknown"`),
	} {
		provesNothing(t, name, envelope{eventType: "access.request.create", actor: bob, debug: debug})
	}
}

func TestStepsOfSelfService(t *testing.T) {
	self := func(step schemas.RequestStep, change func(*schemas.Request)) func(*schemas.Fact) {
		return func(f *schemas.Fact) {
			f.Request = &schemas.Request{
				ID: "0oa1awsprod00004d7/00u1ada0000000001d7", Step: step, Origin: schemas.OriginSelfService,
				AppID: "0oa1awsprod00004d7", Justification: "incident 7",
			}
			if change != nil {
				change(f.Request)
			}
		}
	}
	const comment = `"UserComment":"incident 7","ApproverType":"USER"`
	byAdaHerself := func(r *schemas.Request) { r.Requester = byAda }
	bobApproved := func(r *schemas.Request) { r.Approvers = []schemas.Actor{byBob} }
	for _, tc := range []struct {
		name string
		e    envelope
		want schemas.Fact
	}{
		{"asked", envelope{eventType: "app.access_request.request", actor: ada, debug: comment, targets: []string{awsApp, ada}},
			proof(schemas.Requested, whoAda, self(schemas.StepCreated, byAdaHerself))},
		{"asked, naming the application only", envelope{eventType: "app.access_request.request", actor: ada, debug: `"userComment":"incident 7"`, targets: []string{adaInApp, awsApp}},
			proof(schemas.Requested, whoAda, self(schemas.StepCreated, byAdaHerself))},
		{"asked by another", envelope{eventType: "app.access_request.request", actor: bob, debug: comment, targets: []string{ada, awsApp}},
			proof(schemas.Requested, whoAda, self(schemas.StepCreated, func(r *schemas.Request) { r.Requester = byBob }))},
		{"approved", envelope{eventType: "app.access_request.approver.approve", actor: bob, debug: comment, targets: []string{ada, awsApp}},
			proof(schemas.Requested, whoAda, self(schemas.StepApproved, bobApproved))},
		{"approved by one unknown", envelope{eventType: "app.access_request.approver.approve", targets: []string{ada, awsApp}},
			proof(schemas.Requested, whoAda, self(schemas.StepApproved, func(r *schemas.Request) { r.Justification = "" }))},
		{"denied by the approver", envelope{eventType: "app.access_request.approver.deny", actor: bob, debug: comment, targets: []string{awsApp, ada}},
			proof(schemas.Requested, whoAda, self(schemas.StepDenied, bobApproved))},
		{"granted", envelope{eventType: "app.access_request.grant", actor: system, debug: comment, targets: []string{awsApp, ada}},
			proof(schemas.Requested, whoAda, self(schemas.StepGranted, nil))},
		{"denied", envelope{eventType: "app.access_request.deny", actor: system, debug: comment, targets: []string{awsApp, ada}},
			proof(schemas.Requested, whoAda, self(schemas.StepDenied, nil))},
		{"expired", envelope{eventType: "app.access_request.expire", actor: system, debug: comment, targets: []string{awsApp, ada}},
			proof(schemas.Requested, whoAda, self(schemas.StepExpired, nil))},
		{"deleted", envelope{eventType: "app.access_request.delete", actor: bob, debug: comment, targets: []string{awsApp, ada}},
			proof(schemas.Requested, whoAda, self(schemas.StepCancelled, nil))},
	} {
		proves(t, tc.name, tc.e, tc.want)
	}
	byLogin := strings.Replace(ada, `"00u1ada0000000001d7"`, "null", 1)
	proves(t, "user without an id", envelope{eventType: "app.access_request.grant", actor: system, debug: comment, targets: []string{awsApp, byLogin}},
		proof(schemas.Requested, schemas.Identity{Org: "example", Login: "ada@example.com", Name: "Ada Example"}, self(schemas.StepGranted, func(r *schemas.Request) { r.ID = "0oa1awsprod00004d7/ada@example.com" })))
	provesNothing(t, "asked by a machine for nobody", envelope{eventType: "app.access_request.request", actor: system, targets: []string{awsApp}})
	provesNothing(t, "approved for nobody", envelope{eventType: "app.access_request.approver.approve", actor: bob, targets: []string{awsApp}})
	provesNothing(t, "no application", envelope{eventType: "app.access_request.grant", actor: bob, targets: []string{ada}})
}

// What a reader found while it splits a file counts as what Decode finds itself.
func TestRecordsOfAReader(t *testing.T) {
	raw := []byte(envelope{eventType: "access.request.create", actor: bob, debug: camel, targets: []string{request}}.String())
	var doc jsonscan.Document
	values, err := doc.Parse(raw, okta.Fields())
	if err != nil {
		t.Fatal(err)
	}
	d := okta.Decoder{Org: "example"}
	want, _, err := d.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	got, relevant, err := d.DecodeRecord(ingest.Record{Raw: raw, Values: values})
	if diff := cmp.Diff(want, got); diff != "" || !relevant || err != nil {
		t.Errorf("relevant %t, %v (-want +got)\n%s", relevant, err, diff)
	}
}
