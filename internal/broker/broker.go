// Package broker is the embedded Kafka broker: franz-go's kfake in this
// process, with what it lacks to keep data. It is one broker on one machine
// with one copy of the data; Notice says so to the user.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Broker is a running broker. Close it after all that read from it.
type Broker struct {
	cfg     Config
	cluster *kfake.Cluster
	addr    string
	lock    *lock
	admin   *kafkago.Client
	lives   *lives
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// Config says where the broker keeps its data and listens.
type Config struct {
	// Dir is where the data is; empty: in memory, for tests.
	Dir string
	// Addr is host:port on this machine to listen on; port 0, or an empty Addr,
	// takes a free one. Anybody who may connect may do everything, so only
	// loopback addresses are allowed.
	Addr   string
	Logger *slog.Logger
	// RetentionBytes is how much of a partition is kept at most, compressed, in
	// topics that are deleted by age. After a crash all of it is read before the
	// broker answers. Default 64 MiB.
	RetentionBytes int64
	// Every is how often old data is deleted. Default 10 minutes.
	Every time.Duration
	// CompactFrom is how large the data has to be for compaction at start, in
	// bytes. Default 64 MiB.
	CompactFrom int64
	// MinSession is the shortest session of a consumer group. Default 6 s, as
	// Kafka has it.
	MinSession time.Duration
	// Login, if set, is asked of clients.
	Login *Login
}

// Login is a user of the broker.
type Login struct {
	Mechanism, User, Password string
}

const (
	defaultRetention = 64 << 20
	defaultEvery     = 10 * time.Minute
	defaultCompact   = 64 << 20
	kafkaMinSession  = 6 * time.Second
	// Only whole segments are removed from disk.
	segmentBytes = 16 << 20
	never        = 100 * 365 * 24 * time.Hour
)

// Notice says to the user what this broker is.
func Notice() string {
	return "The embedded Kafka broker keeps one copy of the data on this machine. It is built on kfake, which calls itself a fake broker for testing. " +
		"In our tests all that it acknowledged survived killing the process; losing the machine's power was not tested. " +
		"For production, point the configuration at a real Kafka cluster."
}

// Start starts a broker. With a Dir, it takes up the data that is there; a
// second process on the same Dir is refused.
func Start(cfg Config) (*Broker, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("start the embedded Kafka broker: %w", err)
	}
	b := &Broker{cfg: cfg}
	if cfg.Dir != "" {
		var err error
		if b.lock, err = takeLock(cfg.Dir); err != nil {
			return nil, fmt.Errorf("start the embedded Kafka broker: %w", err)
		}
	}
	if err := b.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded Kafka broker: %w", err), b.lock.release())
	}
	return b, nil
}

func (c *Config) complete() error {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("address: want host:port (got %q)", c.Addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address: want one of this machine alone, such as 127.0.0.1:9092, since whoever connects may do everything (got %q)", c.Addr)
	}
	if c.RetentionBytes < 0 || c.Every < 0 || c.CompactFrom < 0 || c.MinSession < 0 {
		return errors.New("sizes and times must not be negative")
	}
	c.RetentionBytes = orElse(c.RetentionBytes, defaultRetention)
	c.Every = orElse(c.Every, defaultEvery)
	c.CompactFrom = orElse(c.CompactFrom, defaultCompact)
	c.MinSession = orElse(c.MinSession, kafkaMinSession)
	return nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (b *Broker) open() error {
	data := ""
	if b.cfg.Dir != "" {
		data = filepath.Join(b.cfg.Dir, "data")
		if err := b.compactAtStart(data); err != nil {
			return err
		}
	}
	cluster, addr, err := b.cfg.cluster(data, b.cfg.Addr)
	if err != nil {
		return err
	}
	b.cluster, b.addr = cluster, addr
	b.guard()
	b.listen()
	b.admin, err = b.cfg.client(addr)
	if err != nil {
		cluster.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.done.Go(func() { b.maintain(ctx) })
	b.done.Go(func() { b.reap(ctx) })
	return nil
}

// cluster opens the data; an empty folder stands for memory.
func (c Config) cluster(data, addr string) (*kfake.Cluster, string, error) {
	listening := ""
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("jitaudit"),
		kfake.GroupMinSessionTimeout(c.MinSession),
		kfake.WithLogger(logger{c.Logger}),
		kfake.ListenFn(func(string, string) (net.Listener, error) {
			l, err := net.Listen("tcp", addr)
			if err == nil {
				listening = l.Addr().String()
			}
			return l, err
		}),
		kfake.BrokerConfigs(map[string]string{
			// kfake deletes by age from compacted topics too.
			"log.retention.ms":    "-1",
			"log.retention.bytes": "-1",
			"log.segment.bytes":   strconv.Itoa(segmentBytes),
			// kfake's own cleaning is neither crash-safe nor armed after a restart.
			"log.cleaner.backoff.ms": strconv.FormatInt(never.Milliseconds(), 10),
			// A group that was away for a week must not begin anew unnoticed.
			"offsets.retention.minutes": strconv.Itoa(int(never.Minutes())),
		}),
	}
	if data != "" {
		opts = append(opts, kfake.DataDir(data), kfake.SyncWrites())
	}
	if c.Login != nil {
		opts = append(opts, kfake.EnableSASL(), kfake.Superuser(c.Login.Mechanism, c.Login.User, c.Login.Password))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, "", fmt.Errorf("open %s and listen on %s: %w", orElse(data, "memory"), addr, err)
	}
	return cluster, listening, nil
}

// Addr is where the broker listens, host:port.
func (b *Broker) Addr() string { return b.addr }

// Close stops the broker and makes what it holds durable.
func (b *Broker) Close() error {
	b.stop()
	b.done.Wait()
	b.admin.Transport.(*kafkago.Transport).CloseIdleConnections()
	b.cluster.Close()
	return b.lock.release()
}

// logger passes on what kfake warns of.
type logger struct{ log *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("embedded Kafka broker: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("embedded Kafka broker: " + fmt.Sprintf(format, args...))
	}
}

// exists reports whether there is a file or folder of that name.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
