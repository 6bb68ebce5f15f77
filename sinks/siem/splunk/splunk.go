// Package splunk hands alerts to Splunk by its HTTP Event Collector (HEC), each as
// one event with an OCSF body, and can wait until the indexers have them.
package splunk

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"jitaudit/sinks/alerts"
	"jitaudit/sinks/post"
)

// Config says where the collector is and what events look like.
type Config struct {
	// URL is the collector's base, as https://splunk.example.com:8088, without
	// /services/collector. Without TLS only to this machine.
	URL string
	// Token is that of the HEC input. It is never printed.
	Token string
	// Index, Source, SourceType and Host are metadata of each event. Source is by
	// default "jitaudit", SourceType "jitaudit:ocsf"; without Index and Host the
	// collector takes the token's.
	Index, Source, SourceType, Host string
	// Ack waits until Splunk says that the events are indexed; the token must have
	// indexer acknowledgement enabled. Without it Splunk has only accepted them.
	Ack bool
	// AckTimeout is how long to wait for that. Default 2 min, 1 s to 1 h.
	AckTimeout time.Duration
	// CA are the authorities that sign the server, PEM; empty for the system's.
	CA []byte
	// Timeout bounds one request with its answer. Default 10 s.
	Timeout time.Duration
	// MaxBytes bounds one body before compression. Default 1,000,000, from 16 KiB to
	// 100 MiB. Splunk Cloud allows 1 MB.
	MaxBytes int
	// Encode makes the bodies of events, each one JSON object. It is called for one
	// alert at a time, or for a digest.
	Encode func(*alerts.Notice) ([][]byte, error)
}

const (
	defaultSource     = "jitaudit"
	defaultSourceType = "jitaudit:ocsf"
	defaultAckTimeout = 2 * time.Minute
	defaultMaxBytes   = 1_000_000

	minMaxBytes, maxMaxBytes     = 16 << 10, 100 << 20
	minAckTimeout, maxAckTimeout = time.Second, time.Hour
	// metadataLimit bounds source, sourcetype and host.
	metadataLimit = 256

	eventPath     = "services/collector/event"
	ackPath       = "services/collector/ack"
	channelHeader = "X-Splunk-Request-Channel"
)

// Receiver sends to one collector.
type Receiver struct {
	cfg  Config
	post *post.Client
	// channel is ours alone, so that Splunk's ackIds, counted for each, are too.
	channel string
	// silent is that the last events were accepted without an ackId.
	silent bool
	late   late
	// firstPoll and longestPoll are between two questions for acknowledgement.
	firstPoll, longestPoll time.Duration
}

var _ alerts.Receiver = (*Receiver)(nil)

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Receiver, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	client, err := post.New(post.Config{URL: cfg.URL, CA: cfg.CA, Timeout: cfg.Timeout, Secrets: []string{cfg.Token}})
	if err != nil {
		return nil, err
	}
	return &Receiver{
		cfg: cfg, post: client, channel: uuid.NewString(),
		firstPoll: 250 * time.Millisecond, longestPoll: 10 * time.Second,
	}, nil
}

func (c Config) withDefaults() Config {
	if c.Source == "" {
		c.Source = defaultSource
	}
	if c.SourceType == "" {
		c.SourceType = defaultSourceType
	}
	if c.AckTimeout == 0 {
		c.AckTimeout = defaultAckTimeout
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	return c
}

func (c Config) validate() error {
	switch {
	case strings.Contains(c.URL, "/services/collector"):
		return errors.New("url: leave /services/collector out; it is added")
	case strings.ContainsAny(c.URL, "?#"):
		return errors.New("url: leave out what follows ? or #; the token goes into a header")
	case c.Token == "":
		return errors.New("token: is missing; take that of the HTTP Event Collector's input")
	case !regexp.MustCompile(`^[!-~]+$`).MatchString(c.Token): // not shown: it is a secret
		return errors.New("token: want ASCII without spaces, as 11111111-2222-3333-4444-555555555555")
	// Splunk's rule for names of indexes (Managing Indexers: create custom indexes).
	case c.Index != "" && !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`).MatchString(c.Index):
		return fmt.Errorf("index: want small letters, digits, _ and -, the first a letter or digit (got %q)", c.Index)
	case c.AckTimeout < minAckTimeout || c.AckTimeout > maxAckTimeout:
		return fmt.Errorf("ack_timeout: want %s to %s (got %s)", minAckTimeout, maxAckTimeout, c.AckTimeout)
	case c.MaxBytes < minMaxBytes || c.MaxBytes > maxMaxBytes:
		return fmt.Errorf("max_bytes: want %d to %d (got %d)", minMaxBytes, maxMaxBytes, c.MaxBytes)
	case c.Encode == nil:
		return errors.New("splunk: nothing makes the events' bodies")
	}
	for _, m := range []struct{ key, value string }{
		{"index", c.Index}, {"source", c.Source}, {"sourcetype", c.SourceType}, {"host", c.Host},
	} {
		if len(m.value) > metadataLimit {
			return fmt.Errorf("%s: want no more than %d bytes (got %d)", m.key, metadataLimit, len(m.value))
		}
	}
	return nil
}

// Close lets go of connections that rest.
func (r *Receiver) Close() error { return r.post.Close() }

// Send returns nil once Splunk has accepted all events or, with Ack, indexed them.
func (r *Receiver) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	events, err := r.events(n)
	if err != nil {
		return false, fmt.Errorf("make Splunk events of notice %s: %w", clip(n.ID), err)
	}
	if !r.cfg.Ack {
		return r.send(ctx, events, nil)
	}
	if r.late.arrived(ctx, r, n.ID) {
		return false, nil
	}
	if err := r.stillSilent(ctx); err != nil {
		return true, err
	}
	t := &ticket{channel: r.channel, open: map[int64]bool{}}
	retry, err = r.send(ctx, events, t)
	var refused *refusedError
	if err == nil || errors.As(err, &refused) && len(t.open) > 0 { // what was not refused is to arrive
		if missing := r.await(ctx, t); missing != nil {
			if err == nil {
				r.late.add(n.ID, t)
			}
			retry, err = true, missing
		}
	}
	if err != nil {
		// After a restart Splunk counts its ackIds from 0 again. A new channel keeps
		// those of this attempt apart from those of the next.
		r.channel = uuid.NewString()
	}
	return retry, err
}

// send posts events in as few bodies as there have to be, and notes their ackIds.
// What is refused is searched for by halves: one bad event must not hold up the
// others, nor a limit of somebody on the way that is lower than ours.
func (r *Receiver) send(ctx context.Context, events []event, t *ticket) (retry bool, err error) {
	var refused refusedError
	bodies := split(events, r.cfg.MaxBytes)
	for len(bodies) > 0 {
		body := bodies[0]
		bodies = bodies[1:]
		retry, err := r.put(ctx, body, t)
		switch {
		case err == nil:
		case retry:
			return true, err
		case len(body) > 1:
			half := len(body) / 2
			bodies = append([][]event{body[:half], body[half:]}, bodies...)
		default:
			refused.add(body[0].id, err)
			if refused.n >= mostRefused {
				return false, &refused
			}
		}
	}
	if refused.n > 0 {
		return false, &refused
	}
	return false, nil
}

// put posts one body.
func (r *Receiver) put(ctx context.Context, events []event, t *ticket) (retry bool, err error) {
	header := r.header()
	header.Set("Content-Encoding", "gzip")
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	for _, e := range events {
		if _, err := z.Write(e.json); err != nil {
			return false, fmt.Errorf("pack events for Splunk: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return false, fmt.Errorf("pack events for Splunk: %w", err)
	}
	said, retry, err := r.post.Post(ctx, eventPath, header, body.Bytes())
	if err != nil {
		return judge(parse(said), retry, err, r.cfg)
	}
	a := parse(said)
	if a.Code == nil {
		return true, fmt.Errorf("%s answered as no HTTP Event Collector does (see whether the url is the collector's)", r.post.Host())
	}
	if t == nil {
		return false, nil
	}
	id, err := a.ackID()
	if err != nil {
		r.silent = true
		return true, fmt.Errorf("%s accepted events, but %w: %w", r.post.Host(), err, errAckDisabled)
	}
	if t.open[id] {
		return true, fmt.Errorf("%s gave ackId %d twice: it was restarted meanwhile", r.post.Host(), id)
	}
	t.open[id] = true
	return false, nil
}

// header holds nothing but what is configured: no text of a log gets into it.
func (r *Receiver) header() http.Header {
	h := http.Header{}
	h.Set("Authorization", "Splunk "+r.cfg.Token)
	h.Set("Content-Type", "application/json")
	if r.cfg.Ack {
		h.Set(channelHeader, r.channel)
	}
	return h
}
