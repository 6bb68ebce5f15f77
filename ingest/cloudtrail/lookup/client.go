package lookup

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// newClient makes a client that keeps the rate, limits each attempt's time, and
// notes how it went.
func (c *Collector) newClient() *cloudtrail.Client {
	return cloudtrail.NewFromConfig(c.cfg.AWS, func(o *cloudtrail.Options) {
		o.Region = c.cfg.Region
		o.Retryer = &paced{
			RetryerV2: retry.NewStandard(func(s *retry.StandardOptions) {
				s.MaxBackoff = min(c.cfg.MaxBackoff, retry.DefaultMaxBackoff)
			}),
			// A burst of one: AWS counts its two requests of a second as it likes.
			limiter: rate.NewLimiter(rate.Limit(c.cfg.RequestsPerSecond), 1),
		}
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

// HandleFinalize gives the attempt its deadline, counts it, and keeps the
// server's time of a good answer. The answer's body has been read when it returns.
func (a *attempt) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, a.c.cfg.RequestTimeout)
	defer cancel()
	out, metadata, err := next.HandleFinalize(ctx, in)
	outcome := "ok"
	switch {
	case isThrottled(err):
		outcome = "throttled"
	case err != nil:
		outcome = "failed"
	}
	a.c.cfg.Metrics.Requests.WithLabelValues(a.c.shard, outcome).Inc()
	if at, ok := awsmiddleware.GetServerTime(metadata); ok && err == nil {
		a.c.served = at.UTC()
	}
	return out, metadata, err
}

// ask asks AWS for nothing but the time.
func (c *Collector) ask(ctx context.Context) (time.Time, error) {
	var dated bool
	err := c.persist(ctx, func() error {
		out, err := c.client.LookupEvents(ctx, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(1)})
		if err == nil {
			_, dated = awsmiddleware.GetServerTime(out.ResultMetadata)
		}
		return err
	})
	if err == nil && !dated {
		err = fmt.Errorf("read CloudTrail of account %s in %s: the answer has no Date, so that it is not known how far it reaches; something between here and AWS removes it", c.cfg.Account, c.cfg.Region)
	}
	return c.served, err
}

// tries is how often a request is made again after the SDK has given up on it,
// before the whole round fails and its pages have to be read again.
const tries = 4

// persist makes a request until it succeeds, cannot succeed, or has been tried
// often enough.
func (c *Collector) persist(ctx context.Context, request func() error) error {
	for n := 0; ; n++ {
		err := request()
		switch {
		case err == nil || ctx.Err() != nil || isStaleToken(err):
			return err
		case isExpired(err) && n < tries:
			// A role's session may end between signing and verifying.
			if cache, ok := c.cfg.AWS.Credentials.(interface{ Invalidate() }); ok {
				cache.Invalidate()
			}
		case n >= tries || isPermanent(err):
			return c.explain(err)
		}
		if err := sleep(ctx, c.backoff(n)); err != nil {
			return err
		}
	}
}
