package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jitaudit/internal/broker"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
)

// childDir makes the test binary a broker on that directory, until it is killed.
const childDir = "JITAUDIT_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		b, err := broker.Start(broker.Config{Dir: dir, MinSession: time.Second, Every: 20 * time.Millisecond, CompactFrom: 1})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(b.Addr())
		select {}
	}
	goleak.VerifyTestMain(m)
}

// child starts a broker process and returns its address, or what it says if it
// does not start. The function kills it as kill -9 does.
func child(t *testing.T, dir string) (said string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(kill)
	said, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the broker process says nothing: %v", err)
	}
	return strings.TrimSpace(said), kill
}

func client(t *testing.T, address string) *kafka.Client {
	t.Helper()
	c, err := kafka.New(kafka.Config{Brokers: []string{address}, Prefix: "t."}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func writer(t *testing.T, c *kafka.Client) *kafka.Writer {
	t.Helper()
	w, err := c.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func read(t *testing.T, c *kafka.Client, topic string, partition int) []kafka.Message {
	t.Helper()
	var got []kafka.Message
	err := c.ReadAll(within(t), topic, partition, func(m kafka.Message) error {
		got = append(got, m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func byAge(name string, retention string) topics.Topic {
	return topics.Topic{Name: name, Partitions: 1, Config: map[string]string{"cleanup.policy": "delete", "retention.ms": retention}}
}

func compacted(name string) topics.Topic {
	return topics.Topic{Name: name, Partitions: 1, Config: map[string]string{"cleanup.policy": "compact"}}
}
