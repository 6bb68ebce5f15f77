package okta

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"jitaudit/schemas"
)

// condition reads how long access lasts by a condition of access requests. An
// event that does not say what became of that proves nothing.
func (d *Decoder) condition(f *schemas.Fact, all things) bool {
	for _, t := range all {
		settings, ok := setting(t.to)
		if !ok || known(t.id) == "" {
			continue
		}
		if settings == nil {
			// null takes back what was there before; else it says nothing.
			if before, _ := setting(t.from); before == nil {
				continue
			}
		}
		seconds, err := lasting(settings)
		if err != nil {
			d.fail(fmt.Errorf("the access duration of condition %.64q: %w; mend or remove the record", t.id, err))
			return false
		}
		f.Kind = schemas.ConditionSet
		f.Condition = &schemas.Condition{ID: t.id, Seconds: seconds}
		return true
	}
	return false
}

// setting is the setting of durations among the values of a condition. It is nil
// where it is null.
func setting(values []byte) (raw []byte, ok bool) {
	m := object(values)
	for _, key := range [...]string{"access_duration_settings", "accessDurationSettings"} {
		if raw, ok := m[key]; ok {
			if bytes.Equal(raw, []byte("null")) {
				return nil, true
			}
			return raw, true
		}
	}
	return nil, false
}

// lasting is the length in seconds that a setting gives; 0 where there is none,
// or where whoever asks may choose it.
func lasting(setting []byte) (int64, error) {
	if setting == nil {
		return 0, nil
	}
	m := object(setting)
	if m == nil {
		return 0, errors.New("access_duration_settings is no object")
	}
	// The types are ADMIN_FIXED_DURATION and REQUESTER_SPECIFIED_DURATION (Okta
	// API, request conditions).
	if kind, _ := text(m["type"]); strings.HasPrefix(kind, "REQUESTER_") {
		return 0, nil
	}
	raw, ok := m["duration"]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return 0, nil
	}
	duration, ok := text(raw)
	if !ok {
		return 0, errors.New("the duration is no string")
	}
	return seconds(duration)
}
