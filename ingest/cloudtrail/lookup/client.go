package lookup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/smithy-go/middleware"

	"jitaudit/ingest"
	"jitaudit/ingest/awsapi"
)

// newClient makes a client that keeps the rate, and notes how each attempt went.
func (c *Collector) newClient() *cloudtrail.Client {
	return cloudtrail.NewFromConfig(awsapi.Paced(c.cfg.AWS, c.cfg.Region, awsapi.Pace{
		PerSecond: c.cfg.RequestsPerSecond, Timeout: c.cfg.RequestTimeout, MaxBackoff: c.cfg.MaxBackoff,
		Count: func(outcome string) { c.cfg.Metrics.Requests.WithLabelValues(c.shard, outcome).Inc() },
	}))
}

// date keeps the server's time of a good answer, and reports whether it has one.
func (c *Collector) date(answer middleware.Metadata) bool {
	at, ok := awsmiddleware.GetServerTime(answer)
	if ok {
		c.served = at.UTC()
	}
	return ok
}

// ask asks AWS for nothing but the time.
func (c *Collector) ask(ctx context.Context) (time.Time, error) {
	var dated bool
	err := c.persist(ctx, func() error {
		out, err := c.client.LookupEvents(ctx, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(1)})
		if err == nil {
			dated = c.date(out.ResultMetadata)
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
		if err == nil || ctx.Err() != nil || isStaleToken(err) {
			return err
		}
		if err := c.explain(err); n >= tries || errors.Is(err, awsapi.ErrPermanent) {
			return err
		}
		if err := ingest.Sleep(ctx, c.backoff(n)); err != nil {
			return err
		}
	}
}

// isStaleToken reports whether a NextToken has expired.
func isStaleToken(err error) bool { return awsapi.Code(err) == "InvalidNextToken" }

// explain says which shard an error is about, and of a permanent one what to do.
func (c *Collector) explain(err error) error {
	return awsapi.Request{
		Doing:  fmt.Sprintf("read CloudTrail of account %s in %s", c.cfg.Account, c.cfg.Region),
		Action: "cloudtrail:LookupEvents",
		Allow:  "in that account, in service control policies, too",
	}.Explain(err)
}
