package broker

import (
	"context"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kfake gives a member a session only once it has answered its JoinGroup. One
// that is killed while it waits for that answer becomes a member without an end,
// and its partitions are nobody's for ever. So signs of life are noted here, and
// who gives none for a session is made to leave.

// lives knows when members of consumer groups were last heard of.
type lives struct {
	mu    sync.Mutex
	heard map[member]time.Time
	// session is the longest that was asked for in a group.
	session map[string]time.Duration
}

type member struct{ group, id string }

// reapEvery is how often members are looked at.
const reapEvery = time.Second

// listen notes signs of life.
func (b *Broker) listen() {
	b.lives = &lives{heard: make(map[member]time.Time), session: make(map[string]time.Duration)}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.OffsetCommit} {
		b.cluster.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			b.cluster.KeepControl()
			b.lives.note(req)
			return nil, nil, false
		})
	}
}

func (l *lives) note(req kmsg.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var m member
	switch r := req.(type) {
	case *kmsg.JoinGroupRequest:
		m = member{r.Group, r.MemberID}
		l.session[r.Group] = max(l.session[r.Group], time.Duration(r.SessionTimeoutMillis)*time.Millisecond)
	case *kmsg.SyncGroupRequest:
		m = member{r.Group, r.MemberID}
	case *kmsg.HeartbeatRequest:
		m = member{r.Group, r.MemberID}
	case *kmsg.OffsetCommitRequest:
		m = member{r.Group, r.MemberID}
	}
	if m.id != "" {
		l.heard[m] = time.Now()
	}
}

// silent returns the members of a group that gave no sign of life for a session,
// and notes those that it did not know as heard of now.
func (l *lives) silent(group string, ids []string) (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	is := make(map[string]bool, len(ids))
	for _, id := range ids {
		is[id] = true
		m := member{group, id}
		switch last, known := l.heard[m]; {
		case !known:
			l.heard[m] = now
		case now.Sub(last) > l.session[group]:
			out = append(out, id)
		}
	}
	for m := range l.heard {
		if m.group == group && !is[m.id] {
			delete(l.heard, m)
		}
	}
	return out
}

// groups are those that somebody has joined.
func (l *lives) groups() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for g := range l.session {
		out = append(out, g)
	}
	return out
}

// reap makes members leave that have no life in them, until ctx ends.
func (b *Broker) reap(ctx context.Context) {
	every := time.NewTicker(reapEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if groups := b.lives.groups(); len(groups) > 0 {
			b.reapGroups(ctx, groups)
		}
	}
}

// reapGroups looks at groups that have settled: in one that deals out its
// partitions members may be silent, and kfake sees to those that stay so.
func (b *Broker) reapGroups(ctx context.Context, groups []string) {
	res, err := b.admin.DescribeGroups(ctx, &kafkago.DescribeGroupsRequest{GroupIDs: groups})
	if err != nil {
		if ctx.Err() == nil {
			b.cfg.Logger.Warn("the embedded broker cannot look at its consumer groups", "error", err)
		}
		return
	}
	for _, g := range res.Groups {
		if g.Error != nil || g.GroupState != "Stable" {
			continue
		}
		ids := make([]string, len(g.Members))
		for i, m := range g.Members {
			ids[i] = m.MemberID
		}
		for _, id := range b.lives.silent(g.GroupID, ids) {
			b.expel(ctx, g.GroupID, id)
		}
	}
}

func (b *Broker) expel(ctx context.Context, group, id string) {
	b.cfg.Logger.Info("a member of a consumer group is gone", "group", group, "member", id)
	_, err := b.admin.LeaveGroup(ctx, &kafkago.LeaveGroupRequest{GroupID: group, Members: []kafkago.LeaveGroupRequestMember{{ID: id}}})
	if err != nil && ctx.Err() == nil {
		b.cfg.Logger.Warn("the embedded broker cannot remove a member", "group", group, "error", err)
	}
}
