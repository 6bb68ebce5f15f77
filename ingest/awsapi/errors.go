package awsapi

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// ErrPermanent says that trying again is of no use before somebody has changed
// keys, rights, or what is configured; the error's text says what to change.
var ErrPermanent = errors.New("permanent")

// permanent is an ErrPermanent in one sentence.
type permanent struct {
	sentence string
	cause    error
}

// Permanent makes an ErrPermanent of a sentence; cause may be nil.
func Permanent(sentence string, cause error) error { return &permanent{sentence, cause} }

// Error returns the sentence.
func (p *permanent) Error() string { return p.sentence }

// Is makes it an ErrPermanent.
func (p *permanent) Is(target error) bool { return target == ErrPermanent }

// Unwrap returns what it is about.
func (p *permanent) Unwrap() error { return p.cause }

// Code is AWS's error code without the suffix that not all services write;
// empty where AWS did not answer with one.
func Code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return strings.TrimSuffix(api.ErrorCode(), "Exception")
}

// Request says what is asked for.
type Request struct {
	// Doing is what is being done, on what; Action is the right that it takes.
	Doing, Action string
	// Allow says where to give the right; Advice what to do about the API's own
	// error codes (see Code) that do not pass by themselves.
	Allow  string
	Advice map[string]string
}

// Explain says what was being done when an error came, and makes an ErrPermanent,
// with what to do, of a refusal that does not pass by itself.
func (r Request) Explain(err error) error {
	byRole := isOf(err, "STS")
	todo := r.advice(Code(err), byRole)
	if todo == "" {
		return fmt.Errorf("%s: %w", r.Doing, err)
	}
	action := r.Action
	if byRole {
		action = fmt.Sprintf("sts:AssumeRole, which %s needs,", action)
	}
	var api smithy.APIError
	errors.As(err, &api)
	return Permanent(fmt.Sprintf("%s: AWS refuses %s with %s (%s); %s, then start again",
		r.Doing, action, api.ErrorCode(), firstLine(api.ErrorMessage()), todo), err)
}

// advice says what to do about an error code. The codes are those that the API
// references of AWS's services, STS among them, list as "Common Errors".
func (r Request) advice(code string, byRole bool) string {
	if todo, ok := r.Advice[code]; ok && !byRole {
		return todo
	}
	switch code {
	case "AccessDenied", "NotAuthorized", "UnauthorizedOperation", "OperationNotPermitted":
		if byRole {
			return "let the role's trust policy name the collector's principal (and its external id), and allow that principal sts:AssumeRole"
		}
		return fmt.Sprintf("allow %s to the collector's principal %s", r.Action, r.Allow)
	case "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure":
		return "check the access key, and whether the account has opted into the region"
	case "InvalidSignature", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken":
		return "check the secret access key"
	case "ExpiredToken":
		return "renew the credentials, or let the collector assume a role"
	case "OptInRequired", "RegionDisabled":
		return "enable the region in the account, or leave it out"
	}
	return ""
}

// isOf reports whether a request to a service failed, be it within another.
func isOf(err error, service string) bool {
	for {
		var op *smithy.OperationError
		if !errors.As(err, &op) {
			return false
		}
		if op.ServiceID == service {
			return true
		}
		err = op.Err
	}
}

// firstLine leaves out what follows: where signatures differ, AWS shows the
// headers that were signed, with the session token among them.
func firstLine(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	message, _, _ = strings.Cut(message, "The Canonical String")
	return strings.TrimRight(strings.TrimSpace(message), ".")
}
