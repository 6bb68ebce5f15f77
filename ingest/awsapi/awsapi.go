// Package awsapi is what collectors that ask an API of AWS have in common: how to
// reach an account, how often to ask, and what to make of a refusal.
package awsapi

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// Pace says how a client's requests are made.
type Pace struct {
	// PerSecond is how many there are at most, repetitions included.
	PerSecond float64
	// Timeout is how long each attempt may last.
	Timeout time.Duration
	// MaxBackoff is the longest pause before the SDK repeats one; 20 seconds, the
	// SDK's own, is the default and the most.
	MaxBackoff time.Duration
	// Count is told how each attempt ended: ok, throttled or failed.
	Count func(outcome string)
}

// Paced is cfg for one client of one region, whose requests keep the pace. Where a
// role's session ended between signing and verifying, they are repeated with
// another.
func Paced(cfg aws.Config, region string, p Pace) aws.Config {
	cfg.Region = region
	cfg.Retryer = func() aws.Retryer {
		return &retryer{
			RetryerV2: retry.NewStandard(func(o *retry.StandardOptions) {
				if p.MaxBackoff > 0 {
					o.MaxBackoff = min(p.MaxBackoff, o.MaxBackoff)
				}
				o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{"ExpiredToken": {}, "ExpiredTokenException": {}}})
			}),
			// A burst of one: AWS counts the requests of a second as it likes.
			limiter: rate.NewLimiter(rate.Limit(p.PerSecond), 1),
		}
	}
	cfg.APIOptions = append(slices.Clip(cfg.APIOptions), func(s *middleware.Stack) error {
		return s.Finalize.Insert(&attempt{p, cfg.Credentials}, "Retry", middleware.After)
	})
	return cfg
}

// retryer makes every attempt wait for its turn, those that the SDK repeats
// included.
type retryer struct {
	aws.RetryerV2
	limiter *rate.Limiter
}

// GetAttemptToken waits for the limiter.
func (r *retryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if err := r.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	return r.RetryerV2.GetAttemptToken(ctx)
}

// attempt surrounds each attempt of a request.
type attempt struct {
	pace        Pace
	credentials aws.CredentialsProvider
}

// ID names the middleware.
func (*attempt) ID() string { return "JitauditAttempt" }

// HandleFinalize gives the attempt its deadline and counts it. The answer's body
// has been read when it returns.
func (a *attempt) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, a.pace.Timeout)
	defer cancel()
	out, metadata, err := next.HandleFinalize(ctx, in)
	outcome := "ok"
	switch {
	case retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool():
		outcome = "throttled"
	case err != nil:
		outcome = "failed"
	}
	a.pace.Count(outcome)
	if cache, ok := a.credentials.(interface{ Invalidate() }); ok && Code(err) == "ExpiredToken" {
		cache.Invalidate()
	}
	return out, metadata, err
}
