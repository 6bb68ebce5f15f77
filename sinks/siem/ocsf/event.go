package ocsf

import "jitaudit/schemas/ocsf"

// The attributes of the schema that are used. Where a value is not known its
// attribute is left out.

type event struct {
	ActivityID   int    `json:"activity_id"`
	ActivityName string `json:"activity_name"`
	CategoryUID  int    `json:"category_uid"`
	CategoryName string `json:"category_name"`
	ClassUID     int    `json:"class_uid"`
	ClassName    string `json:"class_name"`
	TypeUID      int    `json:"type_uid"`
	TypeName     string `json:"type_name"`
	SeverityID   int    `json:"severity_id"`
	Severity     string `json:"severity"`
	StatusID     int    `json:"status_id"`
	Status       string `json:"status"`
	StatusCode   string `json:"status_code,omitempty"`
	StatusDetail string `json:"status_detail,omitempty"`
	Time         int64  `json:"time"`
	StartTime    int64  `json:"start_time,omitempty"`
	EndTime      int64  `json:"end_time,omitempty"`
	Count        int    `json:"count,omitempty"`
	Message      string `json:"message"`
	Comment      string `json:"comment,omitempty"`
	IsAlert      *bool  `json:"is_alert,omitempty"`

	Metadata    metadata       `json:"metadata"`
	FindingInfo *findingInfo   `json:"finding_info,omitempty"`
	Evidences   []evidence     `json:"evidences,omitempty"`
	Remediation *described     `json:"remediation,omitempty"`
	Cloud       *cloud         `json:"cloud,omitempty"`
	Actor       *actor         `json:"actor,omitempty"`
	User        *user          `json:"user,omitempty"`
	Group       *group         `json:"group,omitempty"`
	Privileges  []string       `json:"privileges,omitempty"`
	Resource    *resource      `json:"resource,omitempty"`
	Resources   []resource     `json:"resources,omitempty"`
	Session     *session       `json:"session,omitempty"`
	Service     *named         `json:"service,omitempty"`
	SrcEndpoint *endpoint      `json:"src_endpoint,omitempty"`
	Protocol    string         `json:"auth_protocol,omitempty"`
	ProtocolID  int            `json:"auth_protocol_id,omitempty"`
	IsMFA       *bool          `json:"is_mfa,omitempty"`
	AuthFactors []authFactor   `json:"auth_factors,omitempty"`
	Observables []observable   `json:"observables,omitempty"`
	Unmapped    map[string]any `json:"unmapped,omitempty"`
}

type metadata struct {
	Version        string   `json:"version"`
	UID            string   `json:"uid"`
	CorrelationUID string   `json:"correlation_uid,omitempty"`
	EventCode      string   `json:"event_code,omitempty"`
	LoggedTime     int64    `json:"logged_time,omitempty"`
	OriginalTime   string   `json:"original_time,omitempty"`
	Labels         []string `json:"labels,omitempty"`
	Profiles       []string `json:"profiles,omitempty"`
	Product        product  `json:"product"`
}

type product struct {
	Name       string `json:"name"`
	UID        string `json:"uid"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version,omitempty"`
}

type findingInfo struct {
	UID                string    `json:"uid"`
	Title              string    `json:"title"`
	Desc               string    `json:"desc"`
	Types              []string  `json:"types,omitempty"`
	Analytic           *analytic `json:"analytic,omitempty"`
	Attacks            []attack  `json:"attacks,omitempty"`
	CreatedTime        int64     `json:"created_time,omitempty"`
	ModifiedTime       int64     `json:"modified_time,omitempty"`
	FirstSeenTime      int64     `json:"first_seen_time,omitempty"`
	LastSeenTime       int64     `json:"last_seen_time,omitempty"`
	RelatedEvents      []related `json:"related_events,omitempty"`
	RelatedEventsCount int       `json:"related_events_count,omitempty"`
	SrcURL             string    `json:"src_url,omitempty"`
	ProductUID         string    `json:"product_uid"`
}

type analytic struct {
	UID      string `json:"uid"`
	Name     string `json:"name"`
	TypeID   int    `json:"type_id"`
	Type     string `json:"type"`
	Category string `json:"category,omitempty"`
}

type attack struct {
	Technique    *technique `json:"technique,omitempty"`
	SubTechnique *technique `json:"sub_technique,omitempty"`
}

type technique struct {
	UID    string `json:"uid"`
	SrcURL string `json:"src_url"`
}

type related struct {
	UID string `json:"uid"`
}

type evidence struct {
	Name  string         `json:"name,omitempty"`
	Actor *actor         `json:"actor,omitempty"`
	Data  map[string]any `json:"data,omitempty"`
}

type described struct {
	Desc string `json:"desc"`
}

type named struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid,omitempty"`
}

type cloud struct {
	Provider string  `json:"provider"`
	Account  account `json:"account"`
}

type account struct {
	UID    string `json:"uid"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type actor struct {
	User    *user  `json:"user,omitempty"`
	AppName string `json:"app_name,omitempty"`
	AppUID  string `json:"app_uid,omitempty"`
	IDP     *named `json:"idp,omitempty"`
}

type user struct {
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
	UIDAlt    string `json:"uid_alt,omitempty"`
	EmailAddr string `json:"email_addr,omitempty"`
	TypeID    int    `json:"type_id"`
	Type      string `json:"type"`
	Org       *named `json:"org,omitempty"`
}

type group struct {
	Name       string   `json:"name,omitempty"`
	UID        string   `json:"uid,omitempty"`
	Type       string   `json:"type,omitempty"`
	Privileges []string `json:"privileges,omitempty"`
}

type resource struct {
	UID   string `json:"uid"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Owner *user  `json:"owner,omitempty"`
}

type session struct {
	UID              string `json:"uid"`
	UIDAlt           string `json:"uid_alt,omitempty"`
	CreatedTime      int64  `json:"created_time,omitempty"`
	ExpirationTime   int64  `json:"expiration_time,omitempty"`
	ExpirationReason string `json:"expiration_reason,omitempty"`
	Issuer           string `json:"issuer,omitempty"`
	IsMFA            *bool  `json:"is_mfa,omitempty"`
}

type endpoint struct {
	IP string `json:"ip"`
}

type authFactor struct {
	TypeID   int    `json:"factor_type_id"`
	Type     string `json:"factor_type"`
	Provider string `json:"provider"`
}

type observable struct {
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
	Value  string `json:"value"`
}

// caption is a value of an enumeration, in both forms.
type caption struct {
	id   int
	name string
}

func other(name string) caption { return caption{99, name} }

// classify fills in what follows from class, activity, severity and status.
func (e *event) classify(class int, activity, severity, status caption) {
	e.ClassUID, e.CategoryUID = class, class/1000
	switch class {
	case ocsf.DetectionFinding:
		e.ClassName = "Detection Finding"
	case ocsf.Authentication:
		e.ClassName = "Authentication"
	case ocsf.AuthorizeSession:
		e.ClassName = "Authorize Session"
	case ocsf.GroupManagement:
		e.ClassName = "Group Management"
	}
	e.CategoryName = "Identity & Access Management"
	if e.CategoryUID == 2 {
		e.CategoryName = "Findings"
	}
	e.ActivityID, e.ActivityName = activity.id, activity.name
	e.TypeUID = class*100 + activity.id
	e.TypeName = e.ClassName + ": " + activity.name
	if activity.id == other("").id {
		e.TypeName = e.ClassName + ": Other"
	}
	e.SeverityID, e.Severity = severity.id, severity.name
	e.StatusID, e.Status = status.id, status.name
}
