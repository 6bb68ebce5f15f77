package cloudtrail

import "jitaudit/ingest/jsonscan"

// The details of an event that only few events have, or are read of.
const (
	dUserName = iota
	dKeyUser
	dName
	dTrailName
	dRoleName
	dURL
	dProviderARN
	dMadeProviderARN
	dOpenIDProviderARN
	dMadeOpenIDProviderARN
	dDataStore
	dDirectory
	dIdentityStore
	dInstance
	dPolicyName
	dPolicyDocument
	dPrincipalType
	dAssignee
	dTarget
	dTargetType
	dPermissionSet
	dConsoleLogin
	dTokenKey
	dTokenSuccess
)

// details are found by a pass of their own, so that no other event pays for them.
// Those of a request and its response are as in the API references, with the
// first letter in lower case.
var details = jsonscan.NewFields([]string{
	dUserName:              "requestParameters.userName",
	dKeyUser:               "responseElements.accessKey.userName",
	dName:                  "requestParameters.name",
	dTrailName:             "requestParameters.trailName",
	dRoleName:              "requestParameters.roleName",
	dURL:                   "requestParameters.url",
	dProviderARN:           "requestParameters.sAMLProviderArn",
	dMadeProviderARN:       "responseElements.sAMLProviderArn",
	dOpenIDProviderARN:     "requestParameters.openIDConnectProviderArn",
	dMadeOpenIDProviderARN: "responseElements.openIDConnectProviderArn",
	dDataStore:             "requestParameters.eventDataStore",
	dDirectory:             "requestParameters.directoryId",
	dIdentityStore:         "requestParameters.identityStoreId",
	dInstance:              "requestParameters.instanceArn",
	dPolicyName:            "requestParameters.policyName",
	dPolicyDocument:        "requestParameters.policyDocument",
	dPrincipalType:         "requestParameters.principalType",
	dAssignee:              "requestParameters.principalId",
	dTarget:                "requestParameters.targetId",
	dTargetType:            "requestParameters.targetType",
	dPermissionSet:         "requestParameters.permissionSetArn",
	dConsoleLogin:          "responseElements.ConsoleLogin",
	dTokenKey:              "responseElements.accessToken.accessKeyId",
	dTokenSuccess:          "additionalEventData.success",
}...)

// readDetails looks for the details of the event.
func (d *Decoder) readDetails(raw []byte) {
	v, err := d.rare.Parse(raw, details)
	if err != nil && d.err == nil {
		d.err = err
	}
	d.detail = v
}

// said is the first of the details that says anything; one that is no string
// says nothing.
func (d *Decoder) said(slots ...int) string {
	if d.detail == nil {
		return ""
	}
	for _, slot := range slots {
		if s := d.text.Get(d.detail.Bytes(slot)); s != "" {
			return s
		}
	}
	return ""
}
