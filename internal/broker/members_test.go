package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

// Who is killed while it waits for its place in a group must not keep it.
func TestAMemberThatDiedWhileJoiningKeepsNoPartitions(t *testing.T) {
	b, err := broker.Start(broker.Config{MinSession: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, err := kafka.New(kafka.Config{Brokers: []string{b.Addr()}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const partitions = 4
	if err := c.Ensure(t.Context(), []topics.Topic{{Name: "facts", Partitions: partitions}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	owned, left := make(chan int, 100), make(chan int, 100)
	done := make(chan error, 1)
	go func() {
		done <- c.Group(ctx, kafka.GroupConfig{ID: "g", Topics: []string{"facts"}, SessionTimeout: time.Second}, func(ctx context.Context, c *kafka.Claim) error {
			owned <- c.Partition
			<-ctx.Done()
			left <- c.Partition
			return nil
		})
	}()
	await(t, owned, partitions)
	joinAndDie(t, b.Addr(), "g", "jitaudit.facts")
	await(t, left, partitions)
	// First the dead member has a share, then everything comes back.
	for mine := 0; mine < partitions; {
		select {
		case <-owned:
			mine++
		case <-left:
			mine--
		case <-time.After(10 * time.Second):
			t.Fatalf("%d of %d partitions are owned", mine, partitions)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func await(t *testing.T, c <-chan int, n int) {
	t.Helper()
	for range n {
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing happens")
		}
	}
}

// joinAndDie asks to join a group and closes the connection before the answer.
func joinAndDie(t *testing.T, addr, group, topic string) {
	t.Helper()
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{topic}
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", meta.AppendTo(nil)
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version = 1
	req.Group, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = group, 1000, 5000
	req.ProtocolType, req.Protocols = "consumer", []kmsg.JoinGroupRequestProtocol{protocol}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // until it has been read
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
