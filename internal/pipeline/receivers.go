package pipeline

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/file"
	"jitaudit/sinks/siem/ocsf"
	"jitaudit/sinks/siem/splunk"
	"jitaudit/sinks/siem/syslog"
	"jitaudit/sinks/siem/topic"
	"jitaudit/sinks/siem/webhook"
	"jitaudit/sinks/slack"
)

// Receivers makes the receivers of alerts that a configuration names. They connect
// to nobody before they are given something to tell.
type Receivers struct {
	Version string // this program's
	Now     func() time.Time
	Log     *slog.Logger
	// Kafka are the brokers of kafka.brokers, for receivers that are topics.
	Kafka   *config.Kafka
	Brokers []string
}

// Receiver is one that must be closed in the end.
type Receiver interface {
	alerts.Receiver
	io.Closer
}

// Make makes one receiver.
func (m *Receivers) Make(r *config.AlertReceiver) (Receiver, error) {
	made, err := m.place(r)
	if err != nil {
		return nil, fmt.Errorf("make receiver %s: %w", r.Name, err)
	}
	return made, nil
}

func (m *Receivers) place(r *config.AlertReceiver) (Receiver, error) {
	switch {
	case r.Webhook.URL != "":
		return m.webhook(&r.Webhook)
	case r.File.Path != "":
		f := &r.File
		return file.New(file.Config{Path: f.Path, MaxBytes: f.MaxBytes, MaxAge: f.MaxAge, Keep: f.Keep, Gzip: f.Gzip, Version: m.Version, Now: m.Now})
	case r.Topic.Topic != "":
		return m.topic(&r.Topic)
	case r.Splunk.URL != "":
		return m.splunk(&r.Splunk)
	case r.Syslog.Addr != "":
		return m.syslog(&r.Syslog)
	case !r.Slack.Token.IsZero():
		return m.slack(&r.Slack)
	}
	return nil, errors.New("nothing says where it is")
}

func (m *Receivers) webhook(w *config.WebhookReceiver) (Receiver, error) {
	ca, err := pemFile("webhook.tls.ca_file", w.TLS.CAFile)
	if err != nil {
		return nil, err
	}
	return webhook.New(webhook.Config{
		URL: w.URL, HMACSecret: w.HMACSecret.Reveal(), Token: w.Token.Reveal(), Format: w.Format, CA: ca,
		Timeout: w.Timeout, MaxBytes: int(w.MaxBytes), Version: m.Version, Now: m.Now,
	})
}

func (m *Receivers) splunk(s *config.SplunkReceiver) (Receiver, error) {
	ca, err := pemFile("splunk.tls.ca_file", s.TLS.CAFile)
	if err != nil {
		return nil, err
	}
	return splunk.New(splunk.Config{
		URL: s.URL, Token: s.Token.Reveal(), Index: s.Index, Source: s.Source, SourceType: s.SourceType, Host: s.Host,
		Ack: s.Ack, AckTimeout: s.AckTimeout, CA: ca, Timeout: s.Timeout, MaxBytes: int(s.MaxBytes), Encode: m.encode(),
	})
}

func (m *Receivers) syslog(s *config.SyslogReceiver) (Receiver, error) {
	cfg := syslog.Config{
		Addr: s.Addr, Framing: syslog.Framing(s.Framing), Format: syslog.Format(s.Format), Facility: s.Facility,
		Hostname: s.Hostname, AppName: s.AppName, Enterprise: uint32(s.Enterprise), NoBOM: !s.BOM,
		MaxBytes: int(s.MaxBytes), Timeout: s.Timeout, Version: m.Version, Encode: m.encode(),
	}
	if s.TLS.Enabled {
		cfg.TLS = &syslog.TLS{ServerName: s.TLS.ServerName}
		for _, f := range []struct {
			key, path string
			to        *[]byte
		}{
			{"syslog.tls.ca_file", s.TLS.CAFile, &cfg.TLS.CA},
			{"syslog.tls.cert_file", s.TLS.CertFile, &cfg.TLS.Cert},
			{"syslog.tls.key_file", s.TLS.KeyFile, &cfg.TLS.Key},
		} {
			var err error
			if *f.to, err = pemFile(f.key, f.path); err != nil {
				return nil, err
			}
		}
	}
	return syslog.New(cfg)
}

func (m *Receivers) slack(s *config.SlackReceiver) (Receiver, error) {
	ca, err := pemFile("slack.tls.ca_file", s.TLS.CAFile)
	if err != nil {
		return nil, err
	}
	channels := make(map[schemas.Severity]string)
	for severity, channel := range map[schemas.Severity]string{
		schemas.Critical: s.Channels.Critical, schemas.High: s.Channels.High, schemas.Medium: s.Channels.Medium,
		schemas.Low: s.Channels.Low, schemas.Info: s.Channels.Info,
	} {
		if channel != "" {
			channels[severity] = channel
		}
	}
	return slack.New(slack.Config{
		Token: s.Token.Reveal(), Channel: s.Channel, Channels: channels, Direct: s.Direct, URL: s.URL, CA: ca,
		Timeout: s.Timeout, Now: m.Now, Log: m.Log,
	})
}

// encode makes the bodies of events: OCSF.
func (m *Receivers) encode() func(*alerts.Notice) ([][]byte, error) {
	mapper := ocsf.NewMapper(m.Version)
	return func(n *alerts.Notice) ([][]byte, error) {
		events, err := mapper.Events(n, m.Now())
		bodies := make([][]byte, len(events))
		for i := range events {
			bodies[i] = events[i].JSON
		}
		return bodies, err
	}
}

// pemFile reads a file that a key names; nil for none.
func pemFile(key, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return b, nil
}

// topic is a topic of another name than ours: our prefix is not before it, and a
// client has one, so that all but its last letter is taken for that.
func (m *Receivers) topic(t *config.TopicReceiver) (Receiver, error) {
	cfg := kafkaConfig(m.Kafka, m.Brokers)
	last := len(t.Topic) - 1
	cfg.Prefix = t.Topic[:last]
	client, err := kafka.New(cfg, m.Log)
	if err != nil {
		return nil, fmt.Errorf("configure kafka: %w", err)
	}
	w, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		client.Close()
		return nil, err
	}
	r, err := topic.New(topic.Config{Topic: t.Topic[last:], Writer: w, Version: m.Version, Now: m.Now})
	if err != nil {
		client.Close()
		return nil, err
	}
	return &topicReceiver{r, client}, nil
}

// topicReceiver closes its client.
type topicReceiver struct {
	*topic.Receiver
	client *kafka.Client
}

// Close implements io.Closer.
func (t *topicReceiver) Close() error { t.client.Close(); return nil }
