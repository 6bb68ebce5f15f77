package kafka

import (
	"context"
	"net"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// patience is how long a member that is to end may go on waiting for an answer.
const patience = time.Second

// line dials for one member of a group, and can hang up. A member waits for its
// place in a group for as long as a rebalance takes, whatever its context says.
type line struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// dialer is a dialer whose connections the line knows.
func (l *line) dialer(d *kafkago.Dialer) *kafkago.Dialer {
	out, dial := *d, d.DialFunc
	out.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.conns == nil {
			l.conns = make(map[net.Conn]struct{})
		}
		t := &tracked{Conn: c, line: l}
		l.conns[t] = struct{}{}
		return t, nil
	}
	return &out
}

// hangUp closes the connections that are open; new ones may be made, to say
// goodbye.
func (l *line) hangUp() {
	l.mu.Lock()
	open := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
}

type tracked struct {
	net.Conn
	line *line
}

// Close implements net.Conn.
func (t *tracked) Close() error {
	t.line.mu.Lock()
	delete(t.line.conns, t)
	t.line.mu.Unlock()
	return t.Conn.Close()
}

// end closes a group's member, and does not wait long for an answer that it is
// waiting for.
func (l *line) end(members *kafkago.ConsumerGroup) {
	timer := time.AfterFunc(patience, l.hangUp)
	defer timer.Stop()
	_ = members.Close() // it has no error to return
}
