package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/sinks/alerts"
)

// person is somebody who was looked up.
type person struct {
	// channel is where they are written to; empty for nobody that Slack knows.
	channel string
	until   time.Time
}

const (
	// How long it is remembered who somebody is, and that somebody is unknown.
	knownFor   = time.Hour
	unknownFor = 10 * time.Minute
	// peopleTold bounds how many are told of one alert.
	peopleTold = 10
	// directTries is how often a notice is repeated for its direct messages alone.
	directTries = 3
	// emailLimit is how long an address may be (RFC 5321: a path of 256, with < and >).
	emailLimit = 254
)

// tellPeople tells those whose access it is. It holds nothing up for long: who
// cannot be told is left out and counted.
func (s *sending) tellPeople(ctx context.Context, a *alerts.Alert) {
	for i, p := range concerned(a) {
		key := a.ID() + "@" + p.email
		s.keys = append(s.keys, key)
		if was, _ := s.sent.Get(key); was.skipped || s.direct != nil {
			continue
		}
		if i >= peopleTold {
			s.leaveOut(key, fmt.Errorf("alert %s has more than %d people to tell", a.ID(), peopleTold))
			continue
		}
		known, err := s.tellPerson(ctx, a, p)
		switch {
		case err != nil && s.putOff(err):
			s.direct = fmt.Errorf("direct message about %s: %w", a.ID(), err)
		case err != nil:
			s.leaveOut(key, err)
		case !known:
			s.leaveOut(key, nil)
		}
	}
}

// putOff decides whether direct messages are to be tried again with the notice.
func (s *sending) putOff(err error) bool {
	kind, _ := judge(code(err))
	tries, _ := s.failed.Get(s.notice.ID)
	if tries == directTries || !mayPass(err) || code(err) != "" && kind != passing {
		return false
	}
	s.failed.Add(s.notice.ID, tries+1)
	return true
}

// leaveOut counts a direct message that is not sent, and tells the log why, if
// there is more to say than that somebody is unknown.
func (s *sending) leaveOut(key string, err error) {
	s.skipped.Add(1)
	s.sent.Add(key, attempt{skipped: true})
	if err != nil {
		s.warn("slack: direct messages are left out", err)
	}
}

// told is somebody who shall be told, and why.
type told struct{ email, why string }

// concerned are the requester, or who has the access where nobody is known to have
// asked for it, and the approvers; by email, once each.
func concerned(a *alerts.Alert) []told {
	var holder string
	switch {
	case a.Finding != nil:
		holder = a.Finding.Person.Name
	case a.Grant != nil && (a.Change == alerts.Opened || a.Change == alerts.Closed || a.Change == alerts.Retracted):
		holder = a.Grant.Person.Name
	default:
		return nil
	}
	requester, approvers := asked(a)
	var people []told
	seen := map[string]bool{}
	add := func(name, why string) {
		email := name[:min(len(name), emailLimit+1)] // more is none, and is not to be remembered
		if visible.PlainASCII(name) {                // else another's name may come of it: U+212A is a k in lower case
			email = strings.ToLower(email)
		}
		if !seen[email] && email != "" {
			seen[email] = true
			people = append(people, told{email, why})
		}
	}
	if requester != "" {
		add(requester, "You are told because you asked for this access.")
	} else {
		add(holder, "You are told because this is your access.")
	}
	for _, approver := range approvers {
		add(approver, "You are told because you approved this access.")
	}
	return people
}

func (s *sending) tellPerson(ctx context.Context, a *alerts.Alert, p told) (known bool, err error) {
	channel, err := s.channelTo(ctx, p.email)
	if err != nil || channel == "" {
		return false, err
	}
	m := alertMessage(a, s.notice.Test)
	m.Channel = channel
	m.Blocks = append(m.Blocks, footnote(p.why))
	_, err = s.post(ctx, a.ID(), m)
	return true, err
}

// channelTo is where somebody is written to; empty for nobody.
func (s *sending) channelTo(ctx context.Context, email string) (string, error) {
	now := s.now()
	if known, ok := s.people.Get(email); ok && now.Before(known.until) {
		return known.channel, nil
	}
	channel, err := s.lookUp(ctx, email)
	switch {
	case err != nil:
		return "", err
	case channel == "":
		s.people.Add(email, person{until: now.Add(unknownFor)})
		s.log.Info("slack: somebody is not known there and is not told", "login", visible.Clip(email, valueLimit))
	default:
		s.people.Add(email, person{channel, now.Add(knownFor)})
	}
	return channel, nil
}

func (s *sending) lookUp(ctx context.Context, email string) (channel string, err error) {
	if !isEmail(email) {
		return "", nil
	}
	u, err := s.api.lookupByEmail(ctx, email)
	switch code(err) {
	case "users_not_found", "user_not_found", "user_not_visible":
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if u.ID == "" || u.Deleted || u.Bot {
		return "", nil
	}
	channel, err = s.api.open(ctx, u.ID)
	switch code(err) {
	case "user_not_found", "user_not_visible", "user_disabled", "cannot_dm_bot", "invalid_user_combination":
		return "", nil
	}
	return channel, err
}

// isEmail reports whether a login is worth asking Slack about.
func isEmail(s string) bool {
	name, domain, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(domain, ".") && len(s) <= emailLimit && visible.PlainASCII(s) && !strings.ContainsAny(s, " <>,;\"")
}
