package lookup

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"jitaudit/ingest"
	"jitaudit/ingest/awsapi"
	"jitaudit/schemas"
)

// event is one event of an answer.
type event struct {
	message ingest.Message
	// excluded is left out by ExcludeRoles, unread no CloudTrail record.
	excluded, unread bool
}

// record is what the collector itself looks at in a CloudTrail record.
type record struct {
	EventName    string `json:"eventName"`
	EventSource  string `json:"eventSource"`
	ErrorCode    string `json:"errorCode"`
	Recipient    string `json:"recipientAccountId"`
	UserIdentity struct {
		SessionContext struct {
			SessionIssuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
}

// event makes a message of an event, byte for byte as CloudTrail has it. It
// fails for an event of another account: everything would go into the wrong shard.
func (c *Collector) event(listed *types.Event) (event, error) {
	e := event{message: ingest.Message{
		Source: schemas.CloudTrail, Kind: schemas.RawEvent, ID: aws.ToString(listed.EventId), Raw: []byte(aws.ToString(listed.CloudTrailEvent)),
	}}
	if listed.EventTime != nil {
		e.message.Time = listed.EventTime.UTC()
	}
	var r record
	if err := json.Unmarshal(e.message.Raw, &r); err != nil {
		e.unread = true
		if len(e.message.Raw) == 0 {
			// Nothing else is known of it.
			raw, err := json.Marshal(map[string]string{"EventId": e.message.ID, "EventName": aws.ToString(listed.EventName)})
			if err != nil {
				return e, fmt.Errorf("keep event %s without a record: %w", e.message.ID, err)
			}
			e.message.Raw = raw
		}
		return e, nil
	}
	if r.Recipient != "" && r.Recipient != c.cfg.Account {
		return e, awsapi.Permanent(fmt.Sprintf("read CloudTrail of account %s in %s: the credentials are account %s's (event %s); give the collector those of account %s, or a role there",
			c.cfg.Account, c.cfg.Region, r.Recipient, e.message.ID, c.cfg.Account), nil)
	}
	e.excluded = r.EventSource == "cloudtrail.amazonaws.com" && r.EventName == "LookupEvents" && r.ErrorCode == "" &&
		slices.Contains(c.cfg.ExcludeRoles, r.UserIdentity.SessionContext.SessionIssuer.ARN)
	return e, nil
}

// coverage makes a message of a claim.
func coverage(claim schemas.Coverage) (ingest.Message, error) {
	raw, err := json.Marshal(claim)
	if err != nil {
		return ingest.Message{}, fmt.Errorf("encode coverage of %s: %w", claim.Shard, err)
	}
	return ingest.Message{Source: schemas.CloudTrail, Kind: schemas.RawCoverage, Raw: raw}, nil
}
