package broker

import (
	"errors"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fault is what can be made to go wrong, for tests.
type Fault int

// The faults.
const (
	// AppliedLate answers with a time-out after the request was applied.
	AppliedLate Fault = iota
	// NotLeader answers that another broker leads the partition.
	NotLeader
	// Dropped closes the connection instead of an answer; nothing is applied.
	Dropped
	// Fenced answers that the group's generation is over.
	Fenced
	// Failed answers that the broker has an error that it can't name.
	Failed
)

// Break makes the next n requests of a kind go wrong; n -1 stands for all until
// the returned function is called, which is to be called in any case. Hits says
// how many did so far.
func (b *Broker) Break(kind kmsg.Key, f Fault, n int) (hits func() int, repair func()) {
	if f == Dropped {
		return b.drop(kind, n)
	}
	answers := map[Fault]*kerr.Error{
		AppliedLate: kerr.RequestTimedOut,
		NotLeader:   kerr.NotLeaderForPartition,
		Fenced:      kerr.IllegalGeneration,
		Failed:      kerr.UnknownServerError,
	}
	h := b.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kind}, Err: answers[f], Count: n})
	return h.Hits, h.Remove
}

func (b *Broker) drop(kind kmsg.Key, n int) (hits func() int, repair func()) {
	var dropped atomic.Int64
	var repaired atomic.Bool
	b.cluster.ControlKey(int16(kind), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		if repaired.Load() || n >= 0 && dropped.Load() >= int64(n) {
			return nil, nil, false
		}
		dropped.Add(1)
		return nil, errors.New("the test drops the connection"), true
	})
	return func() int { return int(dropped.Load()) }, func() { repaired.Store(true) }
}

// DeleteRecords deletes all records of a partition before an offset, for tests.
// The topic is named as Kafka does, with its prefix.
func (b *Broker) DeleteRecords(topic string, id int, before int64) error {
	return b.cluster.DeleteRecords(topic, int32(id), before)
}

// Compact compacts a broker in memory, for tests. On disk kfake is not safe from
// crashes while it compacts, so that is done at start, on a copy.
func (b *Broker) Compact() error {
	if b.cfg.Dir != "" {
		return errors.New("compact the embedded Kafka broker: only at start")
	}
	b.cluster.Compact()
	return nil
}
