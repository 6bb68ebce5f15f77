package pipeline

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"

	"jitaudit/ingest"
	"jitaudit/ingest/approvals"
	"jitaudit/ingest/awsapi"
	"jitaudit/ingest/identitystore"
	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/schemas"
)

// listenForApprovals takes the address at which feeds are received, if there is one.
func (r *runner) listenForApprovals(ctx context.Context) error {
	a := &r.cfg.Approvals
	if a.Addr == "" {
		return nil
	}
	// Read with every connection: a renewed certificate counts at once.
	load := func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(a.TLS.CertFile, a.TLS.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("receive approvals: read the certificate (approvals.tls): %w", err)
		}
		return &c, nil
	}
	if a.TLS.CertFile != "" {
		if _, err := load(); err != nil {
			return err
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.Addr)
	if err != nil {
		return fmt.Errorf("receive approvals: %w", taken(err, "approvals.addr"))
	}
	r.parts.closers = append(r.parts.closers, func() error { _ = l.Close(); return nil }) // Serve has, if it came to that
	r.parts.approvals, r.approvals = l.Addr().String(), l
	if a.TLS.CertFile != "" {
		r.approvals = tls.NewListener(l, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() },
		})
	} else if at, err := netip.ParseAddrPort(l.Addr().String()); err != nil || !at.Addr().IsLoopback() {
		r.Log.Warn("approvals are received unencrypted: give approvals.tls, or let a proxy in front encrypt", "addr", l.Addr().String())
	}
	return nil
}

// receiver makes what answers there.
func (r *runner) receiver(log ingest.Log) (*approvals.Receiver, error) {
	cfg := approvals.Config{Log: log, MaxBody: r.cfg.Approvals.MaxBody, Now: r.Now, Metrics: r.ingest, Logger: r.Log}
	for i := range r.cfg.Approvals.Feeds {
		if f := &r.cfg.Approvals.Feeds[i]; f.Received() {
			cfg.Feeds = append(cfg.Feeds, approvals.Feed{Name: f.Feed, Token: f.Token.Reveal(), Secret: []byte(f.HMACSecret.Reveal())})
		}
	}
	return approvals.NewReceiver(cfg)
}

// approvalsGroup is the consumer group of a feed's topic, without prefix.
func approvalsGroup(feed string) string { return "approvals-" + feed }

// topicCollector reads the topic of a feed, which is another system's.
func (r *runner) topicCollector(f *config.ApprovalFeed, log ingest.Log, all map[string]collector) error {
	// Our prefix is not before its name, and a client has one: the first letter.
	prefix, topic := f.Topic[:1], f.Topic[1:]
	cfg := kafkaConfig(&r.cfg.Kafka, r.parts.brokers)
	cfg.Prefix = prefix
	client, err := kafka.New(cfg, r.Log)
	if err != nil {
		return fmt.Errorf("configure kafka for topic %s: %w", f.Topic, err)
	}
	r.parts.closers = append(r.parts.closers, func() error { client.Close(); return nil })
	group := r.cfg.Kafka.Prefix + approvalsGroup(f.Feed)
	t, err := approvals.NewTopic(approvals.TopicConfig{
		Feed: f.Feed, Client: client, Topic: topic, Group: group, Log: log, Metrics: r.ingest, Logger: r.Log,
	})
	if err != nil {
		return fmt.Errorf("configure the feed %s: %w", f.Feed, err)
	}
	shard := schemas.ApprovalsShard(f.Feed)
	all[shard+"/topic"] = t
	r.health.add(shard, &stage{group: group, topics: []string{topic}, client: client})
	return nil
}

// storeCollector lists the users of an Identity Store.
func (r *runner) storeCollector(ctx context.Context, s *config.IdentityStore, log ingest.Log, all map[string]collector) error {
	c := &r.cfg.AWS
	aws, err := awsapi.Connect(ctx, awsapi.Connection{
		Region: s.Region, Endpoint: c.Endpoint, Profile: c.Profile,
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(),
		RoleARN: s.RoleARN, ExternalID: s.ExternalID,
	})
	if err != nil {
		return fmt.Errorf("connect to the account of identity store %s: %w", s.ID, err)
	}
	users, err := identitystore.New(identitystore.Config{
		ID: s.ID, Account: s.AccountID(), Region: s.Region, AWS: aws, Log: log, Interval: s.Interval,
		RequestsPerSecond: c.RequestsPerSecond, Metrics: r.ingest, Logger: r.Log,
	})
	if err != nil {
		return fmt.Errorf("configure the listing of users: %w", err)
	}
	all[schemas.AWSShard(s.AccountID(), s.Region)+"/users/"+s.ID] = users
	return nil
}
