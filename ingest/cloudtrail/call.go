package cloudtrail

import (
	"strings"

	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

// denials are parts of the error codes by which AWS services refuse a call for
// want of permission; each service has its own spelling (EC2 writes
// Client.UnauthorizedOperation, most others AccessDenied or
// AccessDeniedException).
var denials = [...]string{
	"AccessDenied", "UnauthorizedOperation", "UnauthorizedAccess", "UnauthorizedException",
	"NotAuthorized", "AuthorizationError", "Forbidden",
}

// acted reads a call that was made with an assumed role (CloudTrail
// userIdentity element). A ConsoleLogin may come without session context and key.
func (d *Decoder) acted(f *schemas.Fact) {
	v := d.v
	principal := d.string(fPrincipalID)
	_, f.Who.SessionName, _ = strings.Cut(principal, ":")
	f.Who.SourceIdentity = d.string(fSessionSourceIdentity)
	f.Who.PortalUserID = d.string(fOnBehalfOf)
	d.call = schemas.Call{
		PrincipalID:   principal,
		AccessKeyID:   d.string(fAccessKey),
		CreatedAt:     d.time(fCreated),
		Console:       v.True(fConsole) || v.True(fConsoleAttribute),
		ServiceDriven: v.Kind(fInvokedBy) > jsonscan.Null,
		Service:       strings.TrimSuffix(d.string(fEventSource), ".amazonaws.com"),
		Action:        d.string(fEventName),
		Denied:        denied(d.errorCode()),
		ReadOnly:      v.True(fReadOnly),
	}
	f.Call = &d.call
}

func denied(code string) bool {
	for _, part := range denials {
		if strings.Contains(code, part) {
			return true
		}
	}
	return false
}
