// Package slack tells people of alerts in Slack: findings, sessions and grants in
// channels, one thread per session, and, where that is wanted, the people whose
// access it is by direct message. It speaks the few methods of Slack's Web API that
// this takes over sinks/post, so that what is bounded, hidden and tried again there
// is so here; messages are of Block Kit, with what logs say as plain text alone.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/post"
)

// Config says who posts what where.
type Config struct {
	// Token is the app's bot token, xoxb-….
	Token string
	// Channel is the id of the channel that everything is posted to, such as
	// C0123456789. Names are refused: they may be given to another channel.
	Channel string
	// Channels are those for findings of a severity, where it is not Channel.
	Channels map[schemas.Severity]string
	// Direct tells the requester and the approvers of access, by direct message, of
	// its approval, its revocation and findings about it.
	Direct bool
	// URL is where Slack's methods are. Default https://slack.com/api.
	URL string
	// CA are the authorities that sign a proxy in between, PEM; empty for the
	// system's.
	CA []byte
	// Timeout bounds one request with its answer. Default 10 s.
	Timeout time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Log is told once of what is left out. Default slog.Default.
	Log *slog.Logger
}

// Receiver posts to one workspace.
type Receiver struct {
	cfg Config
	api *api
	log *slog.Logger
	now func() time.Time
	// pace keeps each channel to what Slack allows.
	pace map[string]*rate.Limiter
	// sent are the messages of notices that have not succeeded yet.
	sent *lru.Cache[string, attempt]
	// warm is set once a notice has succeeded. Until then each may be one that was
	// posted before a crash.
	warm   bool
	people *lru.Cache[string, person]
	// failed is how often direct messages alone have held up a notice.
	failed  *lru.Cache[string, int]
	skipped atomic.Int64
	// warned are the faults that the log has been told of.
	warned *lru.Cache[string, bool]
}

var _ alerts.Receiver = (*Receiver)(nil)

const (
	// Slack: "1 per second" per channel, with short bursts above that (Web API,
	// rate limits).
	perMessage = time.Second
	burst      = 3

	sentLimit   = 8192
	peopleLimit = 8192
)

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Receiver, error) {
	if cfg.URL == "" {
		cfg.URL = "https://slack.com/api"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	client, err := post.New(post.Config{URL: cfg.URL, CA: cfg.CA, Timeout: cfg.Timeout, Secrets: []string{cfg.Token}})
	if err != nil {
		return nil, err
	}
	r := &Receiver{
		cfg: cfg, api: &api{client: client, token: cfg.Token}, log: cfg.Log, now: cfg.Now,
		pace: map[string]*rate.Limiter{cfg.Channel: rate.NewLimiter(rate.Every(perMessage), burst)},
	}
	for _, channel := range cfg.Channels {
		if r.pace[channel] == nil {
			r.pace[channel] = rate.NewLimiter(rate.Every(perMessage), burst)
		}
	}
	// The errors of lru.New are those of a size below 1.
	r.sent, _ = lru.New[string, attempt](sentLimit)
	r.people, _ = lru.New[string, person](peopleLimit)
	r.failed, _ = lru.New[string, int](64)
	r.warned, _ = lru.New[string, bool](64)
	return r, nil
}

func (c *Config) validate() error {
	switch {
	case c.Token == "":
		return errors.New("token: it is missing; see docs/receivers/slack.md for how to make one")
	case !strings.HasPrefix(c.Token, "xoxb-") && !strings.HasPrefix(c.Token, "xoxe.xoxb-"):
		return errors.New("token: it is no bot token; those begin with xoxb- (in the app's settings: OAuth & Permissions, Bot User OAuth Token)")
	case strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("token: it holds a space or a line end")
	}
	if err := channelID(c.Channel); err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	for severity, channel := range c.Channels {
		switch severity {
		case schemas.Info, schemas.Low, schemas.Medium, schemas.High, schemas.Critical:
		default:
			return fmt.Errorf("channels: %q is no severity; there are info, low, medium, high and critical", severity)
		}
		if err := channelID(channel); err != nil {
			return fmt.Errorf("channels.%s: %w", severity, err)
		}
	}
	return nil
}

func channelID(s string) error {
	if !regexp.MustCompile(`^[CG][A-Z0-9]{6,20}$`).MatchString(s) {
		return fmt.Errorf("want the channel's id, such as C0123456789 (in Slack: the channel's details, at the bottom; got %q)", s)
	}
	return nil
}

// Close lets go of connections that rest.
func (r *Receiver) Close() error { return r.api.client.Close() }

// Skipped is how many direct messages were left out since the start, because
// somebody is not known to Slack, or cannot be written to.
func (r *Receiver) Skipped() int64 { return r.skipped.Load() }

// Send implements alerts.Receiver: one message per alert, in order, each followed by
// its direct messages; or one for the digest. What has been posted of a notice is
// not posted again by this receiver when the notice is repeated. Where an answer
// was lost, and for the first notice after a start, the message is looked for
// before it is posted; it comes twice where it cannot be found, see find.
func (r *Receiver) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	s := &sending{Receiver: r, notice: n, talks: map[string]*talk{}, found: map[place]map[string]attempt{}}
	var refused []error
	if n.Digest != nil {
		m := digestMessage(n.Digest, n.Test)
		m.Channel = r.cfg.Channel
		if _, err := s.post(ctx, n.ID, m); err != nil {
			if mayPass(err) {
				return true, fmt.Errorf("post the digest %s: %w", n.ID, err)
			}
			refused = append(refused, fmt.Errorf("post the digest %s: %w", n.ID, err))
		}
	}
	for i := range n.Alerts {
		a := &n.Alerts[i]
		if err := s.tell(ctx, a); err != nil {
			err = fmt.Errorf("post alert %s: %w", a.ID(), err)
			if mayPass(err) { // the later ones wait: alerts keep their order
				return true, err
			}
			refused = append(refused, err)
			continue
		}
		if r.cfg.Direct {
			s.tellPeople(ctx, a)
		}
	}
	if s.direct != nil {
		return true, s.direct
	}
	s.forget()
	if len(refused) > 0 {
		return false, fmt.Errorf("%d of %d messages refused, the others are posted; the first: %w", len(refused), max(1, len(n.Alerts)), refused[0])
	}
	if !n.Test {
		r.warm = true
	}
	return false, nil
}

// sending is one Send.
type sending struct {
	*Receiver
	notice *alerts.Notice
	talks  map[string]*talk
	// found is what lookups have seen, by alert id.
	found map[place]map[string]attempt
	// keys are those of the messages of this notice.
	keys []string
	// direct is why direct messages have to be tried again.
	direct error
}

// attempt is what is known of one message.
type attempt struct {
	ts      string // of the message; empty while it is not known to be posted
	thread  string // that it was posted in
	unclear bool   // it may have been posted
	skipped bool   // it shall not be posted
}

func (r *Receiver) channelOf(a *alerts.Alert) string {
	if a.Finding != nil {
		if channel := r.cfg.Channels[a.Finding.Severity]; channel != "" {
			return channel
		}
	}
	return r.cfg.Channel
}

// post posts a message, unless it was posted before, and returns the ts of the
// thread that it is in: its own, where it begins one.
func (s *sending) post(ctx context.Context, id string, m *message) (thread string, err error) {
	key := id + "@" + m.Channel
	s.keys = append(s.keys, key)
	known, _ := s.sent.Get(key)
	if known.unclear || known.ts == "" && !s.warm && !s.notice.Test {
		if known, err = s.find(ctx, place{m.Channel, m.Thread}, id); err != nil {
			return "", err
		}
	}
	if known.ts == "" {
		m.Metadata = newMetadata(id)
		known.thread = m.Thread
		if known.ts, err = s.postNew(ctx, m); err != nil {
			if unclear(err) {
				s.sent.Add(key, attempt{unclear: true})
			}
			return "", err
		}
	}
	s.sent.Add(key, known)
	return cmp.Or(known.thread, known.ts), nil
}

func (s *sending) postNew(ctx context.Context, m *message) (string, error) {
	if pace := s.pace[m.Channel]; pace != nil {
		if err := pace.Wait(ctx); err != nil {
			return "", fmt.Errorf("wait for the turn of channel %s: %w", m.Channel, err)
		}
	}
	return s.api.postMessage(ctx, m)
}

// forget ends the memory of a notice that is done with.
func (s *sending) forget() {
	for _, key := range s.keys {
		s.sent.Remove(key)
	}
	s.failed.Remove(s.notice.ID)
}

// warn tells the log of a fault, once.
func (r *Receiver) warn(msg string, err error) {
	key := msg + "\x00" + err.Error()
	if _, told := r.warned.Get(key); !told {
		r.warned.Add(key, true)
		r.log.Warn(msg, "err", err)
	}
}
