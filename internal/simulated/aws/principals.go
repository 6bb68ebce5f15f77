package aws

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Principal is somebody with a long-lived access key.
type Principal struct {
	// Secret is the secret access key.
	Secret string
	// Account is the account that the key belongs to.
	Account string
	// ARN is how AWS names the principal in refusals; by default that of an IAM
	// user "collector" of the account.
	ARN string
	// Denied are the IAM actions that are refused, like
	// "cloudtrail:LookupEvents" or "sts:AssumeRole".
	Denied []string
}

// Role is a role that may be assumed, with or without an external id.
type Role struct {
	// ARN is "arn:aws:iam::ACCOUNT:role/NAME".
	ARN string
	// ExternalID, if set, must be given by whoever assumes the role.
	ExternalID string
	// Trusts are the accounts whose principals may assume the role; empty: all.
	Trusts []string
	// Denied are the IAM actions that the role's sessions may not do.
	Denied []string
}

// session is what AssumeRole has opened.
type session struct {
	secret, token string
	expires       time.Time
	ended         bool
	caller
}

// caller is who has signed a request.
type caller struct {
	account, arn string
	denied       []string
}

// may refuses what the caller has no right to.
func (c caller) may(action, resource string) *refusal {
	if !slices.Contains(c.denied, action) {
		return nil
	}
	return c.refused(action, resource)
}

func (c caller) refused(action, resource string) *refusal {
	message := "User: " + c.arn + " is not authorized to perform: " + action
	if resource != "" {
		message += " on resource: " + resource
	} else {
		message += " because no identity-based policy allows the " + action + " action"
	}
	return refuse(http.StatusBadRequest, "AccessDeniedException", message)
}

// authenticate says who has signed a request for a service, and for which
// region; now is Clock().
func (s *Server) authenticate(r *http.Request, body []byte, service string, now time.Time) (caller, string, *refusal) {
	sig, refused := parseSignature(r)
	if refused != nil {
		return caller{}, "", refused
	}
	unknown := refuse(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	// Keys are not known in a region that the account has not opted into.
	if s.disabled(sig.region) {
		return caller{}, "", unknown
	}
	o, ok := s.identity(sig.key)
	if !ok || o.token != r.Header.Get("X-Amz-Security-Token") {
		return caller{}, "", unknown
	}
	if sig.service != service {
		return caller{}, "", refuse(http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to correct service: '"+service+"'.")
	}
	if refused := sig.verify(r, body, o.secret); refused != nil {
		return caller{}, "", refused
	}
	if refused := s.fresh(sig, now); refused != nil {
		return caller{}, "", refused
	}
	if o.ended || !o.expires.IsZero() && !time.Now().Before(o.expires) {
		return caller{}, "", refuse(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired")
	}
	return o.caller, sig.region, nil
}

// fresh refuses a signature whose date is too far from the server's clock.
func (s *Server) fresh(sig signature, now time.Time) *refusal {
	if s.cfg.Skew <= 0 || now.Sub(sig.signedAt).Abs() <= s.cfg.Skew {
		return nil
	}
	at := now.Format(stampLayout)
	if sig.signedAt.Before(now) {
		return refuse(http.StatusForbidden, "InvalidSignatureException", "Signature expired: "+sig.stamp+" is now earlier than "+at)
	}
	return refuse(http.StatusForbidden, "InvalidSignatureException", "Signature not yet current: "+sig.stamp+" is still later than "+at)
}

// identity finds a key among the long-lived ones and those of sessions.
func (s *Server) identity(key string) (session, bool) {
	if p, ok := s.cfg.Principals[key]; ok {
		arn := p.ARN
		if arn == "" {
			arn = "arn:aws:iam::" + p.Account + ":user/collector"
		}
		return session{secret: p.Secret, caller: caller{p.Account, arn, p.Denied}}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.sessions[key]
	return o, ok
}

// account is the account of a role's ARN, empty where it is none.
func (r Role) account() string {
	part := strings.Split(r.ARN, ":")
	if len(part) != 6 || part[2] != "iam" || !strings.HasPrefix(part[5], "role/") {
		return ""
	}
	return part[4]
}

// name is the role's name without its path.
func (r Role) name() string {
	_, name, _ := cutLast(r.ARN, "/")
	return name
}
