package pipeline

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"jitaudit/internal/chdb"
	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/sinks/clickhouse"
)

// Database is where the results of a configuration are, for whoever reads them
// while the pipeline runs. The embedded engine answers only as long as it does.
func Database(cfg *config.Config) (clickhouse.Config, error) {
	c := &cfg.ClickHouse
	out := databaseConfig(c)
	if !c.Embedded() {
		return out, nil
	}
	path := filepath.Join(cfg.DataDir, TokenFile)
	token, err := os.ReadFile(path)
	if err != nil {
		return out, fmt.Errorf("read the password of the embedded ClickHouse: %w; start jitaudit run first, it makes one", err)
	}
	out.URL, out.User, out.Password = "http://"+c.EmbeddedEngine.Addr, chdb.User, string(bytes.TrimSpace(token))
	return out, nil
}

func databaseConfig(c *config.ClickHouse) clickhouse.Config {
	return clickhouse.Config{URL: c.URL, Database: c.Database, User: c.User, Password: c.Password.Reveal(), CAFile: c.TLS.CAFile, Cluster: c.Cluster}
}

// Broker is a client for the Kafka of a configuration. The embedded broker
// answers only as long as the pipeline runs.
func Broker(cfg *config.Config, log *slog.Logger) (*kafka.Client, error) {
	brokers := cfg.Kafka.Brokers
	if cfg.Kafka.Embedded() {
		brokers = []string{cfg.Kafka.EmbeddedBroker.Addr}
	}
	client, err := kafka.New(kafkaConfig(&cfg.Kafka, brokers), log)
	if err != nil {
		return nil, fmt.Errorf("configure kafka: %w", err)
	}
	return client, nil
}

func kafkaConfig(k *config.Kafka, brokers []string) kafka.Config {
	return kafka.Config{
		Brokers: brokers, Prefix: k.Prefix, Partitions: k.Partitions, Replication: k.Replication,
		TLS:  kafka.TLS{Enabled: k.TLS.Enabled, CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile},
		SASL: kafka.SASL{Mechanism: mechanism(string(k.SASL.Mechanism)), User: k.SASL.User, Password: k.SASL.Password.Reveal()},
	}
}
