package pipeline

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"jitaudit/internal/broker"
	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/library"
	"jitaudit/internal/kafka"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// parts are what has been started, and must be stopped in the end.
type parts struct {
	http string
	// approvals is where feeds are received; empty for nowhere.
	approvals string
	brokers   []string
	kafka     *kafka.Client
	database  clickhouse.Config
	db        *clickhouse.DB
	closers   []func() error
}

// close stops the parts, the last first.
func (p *parts) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	return errors.Join(errs...)
}

// startKafka starts the embedded broker, if no other is configured, and sees to
// the topics.
func (r *runner) startKafka(ctx context.Context) error {
	k := &r.cfg.Kafka
	r.parts.brokers = k.Brokers
	if k.Embedded() {
		if err := r.startBroker(); err != nil {
			return err
		}
	}
	client, err := kafka.New(kafkaConfig(k, r.parts.brokers), r.Log)
	if err != nil {
		return fmt.Errorf("configure kafka: %w", err)
	}
	r.parts.kafka = client
	r.parts.closers = append(r.parts.closers, func() error { client.Close(); return nil })
	return r.wait(ctx, unreachable, func(ctx context.Context) error { return client.Ensure(ctx, topics.All(k.Partitions)) })
}

func mechanism(configured string) string {
	return map[string]string{"plain": kafka.Plain, "scram-sha-256": kafka.ScramSHA256, "scram-sha-512": kafka.ScramSHA512}[configured]
}

func (r *runner) startBroker() error {
	b, err := broker.Start(broker.Config{
		Dir: filepath.Join(r.cfg.DataDir, "kafka"), Addr: r.cfg.Kafka.EmbeddedBroker.Addr,
		RetentionBytes: r.cfg.Kafka.EmbeddedBroker.RetentionBytes, Logger: r.Log.With("part", "broker"),
	})
	if err != nil {
		return taken(err, "kafka.embedded.addr")
	}
	r.parts.closers = append(r.parts.closers, b.Close)
	r.parts.brokers = []string{b.Addr()}
	r.Tell(broker.Notice())
	return nil
}

// startClickHouse starts the embedded engine, if no server is configured, and
// sees to the tables.
func (r *runner) startClickHouse(ctx context.Context) error {
	c := &r.cfg.ClickHouse
	r.parts.database = databaseConfig(c)
	if c.Embedded() {
		if err := r.startEngine(ctx); err != nil {
			return err
		}
	}
	db, err := clickhouse.New(r.parts.database, r.Log)
	if err != nil {
		return fmt.Errorf("configure clickhouse: %w", err)
	}
	r.parts.db = db
	r.parts.closers = append(r.parts.closers, db.Close)
	return r.wait(ctx, passing, db.Migrate)
}

// engineClose bounds how long the engine may take to end: all must end in 10 s.
const engineClose = 6 * time.Second

func (r *runner) startEngine(ctx context.Context) error {
	if err := chdb.Built(); err != nil {
		return err
	}
	path, named := r.cfg.ClickHouse.EmbeddedEngine.Library, " (clickhouse.embedded.library)"
	if path == "" {
		path, named = os.Getenv(library.Env), ""
	}
	lib, err := library.Fetch(ctx, library.Options{Path: path, Progress: func(p library.Progress) {
		if r.Library != nil {
			r.Library(p.Stage, p.Done, p.Total)
		}
	}})
	if err != nil {
		return fmt.Errorf("get the embedded ClickHouse%s: %w", named, err)
	}
	token, err := r.token()
	if err != nil {
		return err
	}
	s, err := chdb.Start(context.WithoutCancel(ctx), chdb.Config{
		Path: filepath.Join(r.cfg.DataDir, "clickhouse"), Library: lib, Addr: r.cfg.ClickHouse.EmbeddedEngine.Addr,
		Token: token, Database: r.cfg.ClickHouse.Database, Command: r.Child, CloseTimeout: engineClose, Logger: r.Log.With("part", "clickhouse"),
	})
	if err != nil {
		return taken(err, "clickhouse.embedded.addr")
	}
	r.parts.closers = append(r.parts.closers, s.Close)
	r.parts.database.URL, r.parts.database.User, r.parts.database.Password = "http://"+s.Addr(), chdb.User, token
	return nil
}

// TokenFile is where the password of the embedded ClickHouse is, in the data
// folder, for Grafana and curl.
const TokenFile = "clickhouse-password"

// token is the password of the embedded ClickHouse, made when there is none.
func (r *runner) token() (string, error) {
	path := filepath.Join(r.cfg.DataDir, TokenFile)
	data, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(data)) > 0 {
		return string(bytes.TrimSpace(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the password of the embedded ClickHouse: %w", err)
	}
	if err := os.MkdirAll(r.cfg.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder (data_dir): %w", err)
	}
	token := rand.Text()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the password of the embedded ClickHouse: %w", err)
	}
	return token, nil
}
