package config

import (
	"reflect"
	"testing"
	"time"
)

// Every exported value of the structs is reached by a key: none can be added
// that the file can't set, and Effective would forget.
func TestEveryValueHasAKey(t *testing.T) {
	c := &Config{Okta: []OktaOrg{{Holes: []Hole{{}}}}, AWS: AWS{Accounts: []AWSAccount{{}}, Holes: []AWSHole{{}}, IdentityStore: []IdentityStore{{}}}, Approvals: Approvals{Feeds: []ApprovalFeed{{}}},
		Alerts: Alerts{Receivers: []AlertReceiver{{Match: []AlertMatch{{}}, Except: []AlertMatch{{}}}}}}
	targets := map[any]int{}
	gather(targets, c.fields())
	gather(targets, c.Okta[0].fields())
	gather(targets, c.Okta[0].Holes[0].fields())
	gather(targets, c.AWS.Accounts[0].fields())
	gather(targets, c.AWS.Holes[0].fields())
	gather(targets, c.AWS.IdentityStore[0].fields())
	gather(targets, c.Approvals.Feeds[0].fields())
	gather(targets, c.Alerts.Receivers[0].fields())
	gather(targets, c.Alerts.Receivers[0].Match[0].fields())
	gather(targets, c.Alerts.Receivers[0].Except[0].fields())
	leaves(t, "Config", reflect.ValueOf(c).Elem(), targets)
	for target, n := range targets {
		t.Errorf("%d keys set a %T that is no exported value of Config", n, target)
	}
}

func gather(targets map[any]int, fields []field) {
	for _, f := range fields {
		if f.target != nil {
			targets[f.target]++
		}
		if !f.list {
			gather(targets, f.inner)
		}
	}
}

// leaves checks each value below v off the targets.
func leaves(t *testing.T, name string, v reflect.Value, targets map[any]int) {
	t.Helper()
	switch v.Interface().(type) {
	case Secret, Since, time.Time:
	default:
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					leaves(t, name+"."+f.Name, v.Field(i), targets)
				}
			}
			return
		}
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
			leaves(t, name+"[]", v.Index(0), targets)
		}
	}
	want := 1
	if v.Type() == reflect.TypeFor[Secret]() {
		want = 2
	}
	if got := targets[v.Addr().Interface()]; got != want {
		t.Errorf("%s is set by %d keys, want %d", name, got, want)
	}
	delete(targets, v.Addr().Interface())
}

func TestSizesAndDurationsAreWrittenAsTheyAreRead(t *testing.T) {
	for _, v := range []int64{0, 1, 1023, 1 << 10, 1<<20 + 1, 3 << 20, 1 << 30, 1 << 62} {
		if got, err := parseSize(formatSize(v)); err != nil || got != v {
			t.Errorf("%d: %s: %d, %v", v, formatSize(v), got, err)
		}
	}
	for _, bad := range []string{"", "MiB", "-1", "1.5MiB", "9223372036854775807KiB", "1 MiB", "1mb"} {
		if got, err := parseSize(bad); err == nil {
			t.Errorf("%q is read as %d", bad, got)
		}
	}
	for _, v := range []time.Duration{0, 1, time.Millisecond, 90 * time.Second, time.Hour, 25 * time.Hour, 48 * time.Hour, 61 * time.Hour, 90 * day, 90*day + 1} {
		if got, err := parseDuration(formatDuration(v)); err != nil || got != v {
			t.Errorf("%v: %s: %v, %v", v, formatDuration(v), got, err)
		}
	}
	for _, bad := range []string{"", "d", "1.5d", "-1d", "1d-1h", "99999d", "1d366d", "7", "1d9000h"} {
		if got, err := parseDuration(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestKeysAreThoseOfTheTable(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		if seen[k] {
			t.Errorf("%s stands twice", k)
		}
		seen[k] = true
	}
	for _, k := range []string{"data_dir", "kafka.sasl.password_file", "okta[].holes[].reason", "aws.accounts[].regions"} {
		if !seen[k] {
			t.Errorf("%s is no key", k)
		}
	}
}
