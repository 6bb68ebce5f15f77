package cloudtrail

import "jitaudit/ingest/jsonscan"

// The fields of an event that are read of every event (CloudTrail record contents;
// STS API reference for requestParameters and responseElements of AssumeRole,
// AssumeRoleWithSAML and AssumeRoleWithWebIdentity). Those of details are read of
// the few events that need them.
const (
	fEventID = iota
	fEventTime
	fEventName
	fEventSource
	fRegion
	fRecipient
	fReadOnly
	fErrorCode
	fErrorMessage
	fSourceIP
	fUserAgent
	fConsole
	fAddendum
	fSharedID

	fIdentity
	fIdentityType
	fPrincipalID
	fUserName
	fIdentityAccount
	fAccessKey
	fIdentityProvider
	fInvokedBy
	fOnBehalfOf
	fCreated
	fConsoleAttribute
	fSessionSourceIdentity
	fIssuerARN

	fAssertionID
	fSessionName
	fRoleARN
	fProviderARN
	fDuration
	fSourceIdentity

	fIssuer
	fQualifier
	fSubject
	fIssuedKey
	fExpiration
	fAssumedID
	fAssumedARN
	fResponseSourceIdentity

	fPortalUser
	fPortalAccount
	fPortalRole
	fPortalSignIn
	fPortalChallenge
	fPortalDirectory
)

var paths = [...]string{
	fEventID:                "eventID",
	fEventTime:              "eventTime",
	fEventName:              "eventName",
	fEventSource:            "eventSource",
	fRegion:                 "awsRegion",
	fRecipient:              "recipientAccountId",
	fReadOnly:               "readOnly",
	fErrorCode:              "errorCode",
	fErrorMessage:           "errorMessage",
	fSourceIP:               "sourceIPAddress",
	fUserAgent:              "userAgent",
	fConsole:                "sessionCredentialFromConsole",
	fAddendum:               "addendum",
	fSharedID:               "sharedEventID",
	fIdentity:               "userIdentity",
	fIdentityType:           "userIdentity.type",
	fPrincipalID:            "userIdentity.principalId",
	fUserName:               "userIdentity.userName",
	fIdentityAccount:        "userIdentity.accountId",
	fAccessKey:              "userIdentity.accessKeyId",
	fIdentityProvider:       "userIdentity.identityProvider",
	fInvokedBy:              "userIdentity.invokedBy",
	fOnBehalfOf:             "userIdentity.onBehalfOf.userId",
	fCreated:                "userIdentity.sessionContext.attributes.creationDate",
	fConsoleAttribute:       "userIdentity.sessionContext.attributes.sessionCredentialFromConsole",
	fSessionSourceIdentity:  "userIdentity.sessionContext.sourceIdentity",
	fIssuerARN:              "userIdentity.sessionContext.sessionIssuer.arn",
	fAssertionID:            "requestParameters.sAMLAssertionID",
	fSessionName:            "requestParameters.roleSessionName",
	fRoleARN:                "requestParameters.roleArn",
	fProviderARN:            "requestParameters.principalArn",
	fDuration:               "requestParameters.durationSeconds",
	fSourceIdentity:         "requestParameters.sourceIdentity",
	fIssuer:                 "responseElements.issuer",
	fQualifier:              "responseElements.nameQualifier",
	fSubject:                "responseElements.subject",
	fIssuedKey:              "responseElements.credentials.accessKeyId",
	fExpiration:             "responseElements.credentials.expiration",
	fAssumedID:              "responseElements.assumedRoleUser.assumedRoleId",
	fAssumedARN:             "responseElements.assumedRoleUser.arn",
	fResponseSourceIdentity: "responseElements.sourceIdentity",
	fPortalUser:             "additionalEventData.UserName",
	fPortalAccount:          "serviceEventDetails.account_id",
	fPortalRole:             "serviceEventDetails.role_name",
	fPortalSignIn:           "serviceEventDetails.UserAuthentication",
	fPortalChallenge:        "serviceEventDetails.CredentialChallenge",
	fPortalDirectory:        "serviceEventDetails.ExternalIdPDirectoryLogin",
}

var fields = jsonscan.NewFields(paths[:]...)

// Fields are the fields that a Decoder needs; give them to the reader, so that
// they are found while it splits.
func Fields() *jsonscan.Fields { return fields }
