package clickhouse

import (
	"encoding/json"
	"fmt"
	"time"

	"jitaudit/schemas"
)

// activityRow is a call. There are many of them, so they are not decoded by way
// of schemas.Activity if it can be helped.
type activityRow struct {
	eventID, use, shard      string
	at                       time.Time
	principalID, accessKeyID string
	roleARN                  string
	createdAt                time.Time
	service, action          string
	console, serviceDriven   bool
	denied, readOnly         bool
	rank                     uint64
	exact                    string
}

const (
	activityLog  = "activity_log"
	activityView = "activity"
)

func activityColumns() []column[activityRow] {
	return []column[activityRow]{
		text("event_id", func(r *activityRow) *string { return &r.eventID }),
		text("use", func(r *activityRow) *string { return &r.use }),
		text("shard", func(r *activityRow) *string { return &r.shard }),
		instant("at", func(r *activityRow) *time.Time { return &r.at }),
		text("principal_id", func(r *activityRow) *string { return &r.principalID }),
		text("access_key_id", func(r *activityRow) *string { return &r.accessKeyID }),
		text("role_arn", func(r *activityRow) *string { return &r.roleARN }),
		optional("created_at", func(r *activityRow) *time.Time { return &r.createdAt }),
		flag("console", func(r *activityRow) *bool { return &r.console }),
		flag("service_driven", func(r *activityRow) *bool { return &r.serviceDriven }),
		text("service", func(r *activityRow) *string { return &r.service }),
		text("action", func(r *activityRow) *string { return &r.action }),
		flag("denied", func(r *activityRow) *bool { return &r.denied }),
		flag("read_only", func(r *activityRow) *bool { return &r.readOnly }),
		plain("rank", "UInt64", func(r *activityRow) *uint64 { return &r.rank }),
		text("exact", func(r *activityRow) *string { return &r.exact }),
	}
}

// decodeActivity reads a call. The error is about the record and nothing else.
func decodeActivity(value []byte) (activityRow, error) {
	if row, ok := scanActivity(string(value)); ok {
		return row, nil
	}
	var a schemas.Activity
	if err := json.Unmarshal(value, &a); err != nil {
		return activityRow{}, fmt.Errorf("it is no JSON of this record: %w", err)
	}
	if a.EventID == "" || a.Use == "" {
		return activityRow{}, fmt.Errorf("it has no event_id or no use")
	}
	row := newActivityRow(&a)
	again, err := json.Marshal(row.activity())
	if err != nil || string(again) != string(value) {
		row.exact = string(value)
	}
	return row, nil
}

func newActivityRow(a *schemas.Activity) activityRow {
	c := &a.Call
	return activityRow{
		eventID: a.EventID, use: a.Use, shard: a.Shard, at: required(a.At),
		principalID: c.PrincipalID, accessKeyID: c.AccessKeyID, roleARN: c.RoleARN, createdAt: stored(c.CreatedAt),
		service: c.Service, action: c.Action, console: c.Console, serviceDriven: c.ServiceDriven,
		denied: c.Denied, readOnly: c.ReadOnly, rank: a.Rank,
	}
}

func (r *activityRow) activity() schemas.Activity {
	return schemas.Activity{
		EventID: r.eventID, Use: r.use, Shard: r.shard, At: r.at,
		Call: schemas.Call{
			PrincipalID: r.principalID, AccessKeyID: r.accessKeyID, RoleARN: r.roleARN, CreatedAt: r.createdAt,
			Console: r.console, ServiceDriven: r.serviceDriven, Service: r.service, Action: r.action,
			Denied: r.denied, ReadOnly: r.readOnly,
		},
		Rank: r.rank,
	}
}

func (r *activityRow) restore() (schemas.Activity, error) {
	if r.exact == "" {
		return r.activity(), nil
	}
	var a schemas.Activity
	if err := json.Unmarshal([]byte(r.exact), &a); err != nil {
		return a, fmt.Errorf("read the column exact of a row of %s: %w", activityLog, err)
	}
	return a, nil
}
