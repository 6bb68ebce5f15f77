package lookup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// ErrPermanent says that trying again is of no use before somebody has changed
// keys, rights, or what is configured. errors.Is finds it in the errors of Run
// and Round; their text says what to change.
var ErrPermanent = errors.New("permanent")

// permanent is an ErrPermanent in one sentence.
type permanent struct {
	sentence string
	cause    error
}

// Error returns the sentence.
func (p *permanent) Error() string { return p.sentence }

// Is makes it an ErrPermanent.
func (p *permanent) Is(target error) bool { return target == ErrPermanent }

// Unwrap returns what it is about.
func (p *permanent) Unwrap() error { return p.cause }

// code is AWS's error code without the suffix that not all services write;
// empty where AWS did not answer with one.
func code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return strings.TrimSuffix(api.ErrorCode(), "Exception")
}

func isThrottled(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	_, ok := retry.DefaultThrottleErrorCodes[api.ErrorCode()]
	return ok
}

// isStaleToken reports whether a NextToken has expired.
func isStaleToken(err error) bool { return code(err) == "InvalidNextToken" }

func isExpired(err error) bool { return code(err) == "ExpiredToken" }

func isPermanent(err error) bool { return advice(code(err), false) != "" }

// advice says what to do about a refusal that will not go away by itself. The
// codes are those of CloudTrail's and STS's API references, "Common Errors".
func advice(code string, byRole bool) string {
	switch code {
	case "AccessDenied", "NotAuthorized", "UnauthorizedOperation", "OperationNotPermitted":
		if byRole {
			return "let the role's trust policy name the collector's principal (and its external id), and allow that principal sts:AssumeRole"
		}
		return "allow cloudtrail:LookupEvents to the collector's principal in that account, in service control policies, too"
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

// explain says which shard an error is about, and of a permanent one what to do.
func (c *Collector) explain(err error) error {
	byRole := isOf(err, "STS")
	todo := advice(code(err), byRole)
	if todo == "" {
		return fmt.Errorf("read CloudTrail of account %s in %s: %w", c.cfg.Account, c.cfg.Region, err)
	}
	action := "cloudtrail:LookupEvents"
	if byRole {
		action = "sts:AssumeRole, which cloudtrail:LookupEvents needs,"
	}
	var api smithy.APIError
	errors.As(err, &api)
	return &permanent{fmt.Sprintf("read CloudTrail of account %s in %s: AWS refuses %s with %s (%s); %s, then start again",
		c.cfg.Account, c.cfg.Region, action, api.ErrorCode(), firstLine(api.ErrorMessage()), todo), err}
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
