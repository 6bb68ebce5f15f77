package identitystore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// ErrPermanent says that trying again is of no use before somebody has changed
// keys, rights, or what is configured.
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

// newClient makes a client that keeps the rate, limits each attempt's time, and
// notes how it went.
func (c *Collector) newClient() *identitystore.Client {
	return identitystore.NewFromConfig(c.cfg.AWS, func(o *identitystore.Options) {
		o.Region = c.cfg.Region
		o.Retryer = &paced{RetryerV2: retry.NewStandard(), limiter: rate.NewLimiter(rate.Limit(c.cfg.RequestsPerSecond), 1)}
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Finalize.Insert(&attempt{c}, "Retry", middleware.After)
		})
	})
}

// paced makes every attempt wait for its turn, those that the SDK repeats
// included.
type paced struct {
	aws.RetryerV2
	limiter *rate.Limiter
}

// GetAttemptToken waits for the limiter.
func (p *paced) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if err := p.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	return p.RetryerV2.GetAttemptToken(ctx)
}

// attempt surrounds each attempt of a request.
type attempt struct{ c *Collector }

// ID names the middleware.
func (*attempt) ID() string { return "JitauditAttempt" }

// HandleFinalize gives the attempt its deadline and counts it.
func (a *attempt) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	out, metadata, err := next.HandleFinalize(ctx, in)
	outcome := "ok"
	if _, throttled := retry.DefaultThrottleErrorCodes[code(err)]; throttled {
		outcome = "throttled"
	} else if err != nil {
		outcome = "failed"
	}
	a.c.cfg.Metrics.Requests.WithLabelValues(a.c.key, outcome).Inc()
	return out, metadata, err
}

// code is AWS's error code; empty where AWS did not answer with one.
func code(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// explain says which store an error is about, and of one that does not pass by
// itself what to do. The codes are those of the API references of the Identity
// Store and STS.
func (c *Collector) explain(err error) error {
	doing := fmt.Sprintf("list the users of identity store %s in %s of account %s", c.cfg.ID, c.cfg.Region, c.cfg.Account)
	todo := c.advice(err)
	if todo == "" {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var api smithy.APIError
	errors.As(err, &api)
	// The first line: where signatures differ, AWS shows the headers that were signed.
	said, _, _ := strings.Cut(api.ErrorMessage(), "\n")
	return &permanent{fmt.Sprintf("%s: AWS refuses it with %s (%s); %s", doing, api.ErrorCode(), strings.TrimRight(said, "."), todo), err}
}

func (c *Collector) advice(err error) string {
	var op *smithy.OperationError
	role := errors.As(err, &op) && errors.As(op.Err, &op) && op.ServiceID == "STS"
	switch strings.TrimSuffix(code(err), "Exception") {
	case "AccessDenied":
		if role {
			return "let the role's trust policy name the collector's principal (and its external id), and allow that principal sts:AssumeRole"
		}
		return "allow identitystore:ListUsers to the collector's principal, in the account of IAM Identity Center or one that it has delegated to"
	case "ResourceNotFound", "Validation":
		return "check the store's id, and that the region is that of IAM Identity Center"
	case "UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken":
		return "check the access key, and whether the account has opted into the region"
	}
	return ""
}
