package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// talk is the thread about a session, or about what has none, in one channel. It is
// what alerts.Threads keeps, as JSON.
type talk struct {
	// TS is that of the thread's first message; empty while there is none.
	TS string `json:"ts,omitempty"`
	// Open are the findings that were told here and are not over.
	Open []string `json:"open,omitempty"`
	// More says that there were too many to know them all.
	More bool `json:"more,omitempty"`
}

// openLimit bounds what is kept of a thread.
const openLimit = 32

// subject is what an alert is about: its session, else its grant, else itself.
func subject(a *alerts.Alert) string {
	if f := a.Finding; f != nil {
		switch {
		case f.Session != "":
			return f.Session
		case f.Grant != "":
			return f.Grant
		}
	}
	return a.RecordID()
}

// talk returns what is known of a thread.
func (s *sending) talk(subject, channel string) *talk {
	key := subject + "@" + channel
	t := s.talks[key]
	if t == nil {
		t = &talk{}
		if threads := s.threads(); threads != nil {
			// Nothing, or what another version kept, is no JSON: a thread begins.
			if json.Unmarshal([]byte(threads.Of(key)), t) != nil {
				*t = talk{}
			}
		}
		s.talks[key] = t
	}
	return t
}

// threads are nil for a test: it begins no thread that others answer in.
func (s *sending) threads() alerts.Threads {
	if s.notice.Test {
		return nil
	}
	return s.notice.Threads
}

func (s *sending) keep(subject, channel string, t *talk) error {
	threads := s.threads()
	if threads == nil {
		return nil
	}
	kept, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode the thread of %s: %w", subject, err)
	}
	threads.Keep(subject+"@"+channel, string(kept))
	return nil
}

// note takes a change of a finding into account, any number of times. It reports
// whether with it the last finding of the thread is over.
func (t *talk) note(a *alerts.Alert) (last bool) {
	if a.Finding == nil {
		return false
	}
	at := slices.Index(t.Open, a.Finding.ID)
	switch a.Change {
	case alerts.Resolved, alerts.Retracted:
		if at >= 0 {
			t.Open = slices.Delete(t.Open, at, at+1)
			return len(t.Open) == 0 && !t.More
		}
	default:
		if at < 0 && len(t.Open) < openLimit {
			t.Open = append(t.Open, a.Finding.ID)
		} else if at < 0 {
			t.More = true
		}
	}
	return false
}

// tell posts an alert in its channel. Where its finding was told of in another one,
// because its severity was another, that hears of it too.
func (s *sending) tell(ctx context.Context, a *alerts.Alert) error {
	home := s.channelOf(a)
	if err := s.tellIn(ctx, a, home); err != nil {
		return err
	}
	if a.Finding == nil {
		return nil
	}
	for _, severity := range []schemas.Severity{"", schemas.Info, schemas.Low, schemas.Medium, schemas.High, schemas.Critical} {
		channel := s.cfg.Channels[severity]
		if severity == "" {
			channel = s.cfg.Channel
		}
		if channel == "" || channel == home || !slices.Contains(s.talk(subject(a), channel).Open, a.Finding.ID) {
			continue
		}
		if err := s.tellIn(ctx, a, channel); err != nil {
			return err
		}
	}
	return nil
}

func (s *sending) tellIn(ctx context.Context, a *alerts.Alert, channel string) error {
	t := s.talk(subject(a), channel)
	last := t.note(a)
	m := alertMessage(a, s.notice.Test)
	m.Channel, m.Thread = channel, t.TS
	m.Broadcast = t.TS != "" && (last || loud(a))
	thread, err := s.post(ctx, a.ID(), m)
	if m.Thread != "" && threadGone(err) { // somebody deleted or locked it
		m.Thread, m.Broadcast = "", false
		thread, err = s.post(ctx, a.ID(), m)
	}
	if err != nil {
		return err
	}
	t.TS = thread
	if err := s.keep(subject(a), channel, t); err != nil {
		return err
	}
	return s.passOn(a, channel, t)
}

// passOn gives the thread of a session that was merged into another to that one,
// unless it has one.
func (s *sending) passOn(a *alerts.Alert, channel string, t *talk) error {
	if a.Session == nil || a.Session.SupersededBy == "" {
		return nil
	}
	heir := s.talk(a.Session.SupersededBy, channel)
	if heir.TS != "" {
		return nil
	}
	*heir = talk{TS: t.TS, Open: slices.Clone(t.Open), More: t.More}
	return s.keep(a.Session.SupersededBy, channel, heir)
}

// loud reports whether an answer in a thread shall be seen in the channel too.
func loud(a *alerts.Alert) bool {
	if a.Finding == nil || a.Finding.Severity != schemas.High && a.Finding.Severity != schemas.Critical {
		return false
	}
	return a.Change == alerts.Opened || a.Change == alerts.Raised || a.Change == alerts.Reopened
}
