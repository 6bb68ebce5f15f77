package reference

import (
	"context"
	"encoding/json"
	"fmt"

	"jitaudit/ingest"
	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

// Feed is the name of a made-up history's feed of approvals.
const Feed = "tickets"

// Messages are what stands in none of a history's logs, by shard, as Aside puts it
// into a log.
func Messages(h *organisation.History) (map[string][]ingest.Message, error) {
	listed, err := messages(h.Listings, schemas.Okta)
	if err != nil {
		return nil, err
	}
	decided, err := messages(h.Approvals, schemas.Approvals)
	return map[string][]ingest.Message{schemas.OktaShard(Org): listed, schemas.ApprovalsShard(Feed): decided}, err
}

// Aside puts into a log what stands in none of a history's logs: what Okta listed,
// and the decisions of its feed of approvals.
func Aside(ctx context.Context, log ingest.Log, h *organisation.History) error {
	all, err := Messages(h)
	for shard, list := range all {
		if err == nil && len(list) > 0 {
			err = log.Append(ctx, shard, list)
		}
	}
	return err
}

func messages(events []organisation.Event, source schemas.Source) (out []ingest.Message, err error) {
	for i := range events {
		m := ingest.Message{Source: source, Kind: schemas.RawEvent, Time: events[i].At, Raw: events[i].AppendJSON(nil)}
		if source == schemas.Okta {
			if m.Kind, err = listedAs(m.Raw); err != nil {
				return nil, err
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// listedAs tells a member from the end of a listing.
func listedAs(raw []byte) (schemas.RawKind, error) {
	var r struct {
		User json.RawMessage `json:"user"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return "", fmt.Errorf("read a listing of a made-up history: %w", err)
	}
	if r.User != nil {
		return schemas.RawMember, nil
	}
	return schemas.RawSnapshot, nil
}
