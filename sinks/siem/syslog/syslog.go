// Package syslog hands alerts to a SIEM as syslog messages (RFC 5424) over TCP or
// TLS, in CEF or JSON. Syslog has no acknowledgement: the most that can be said is
// that all of a notice was written and the other side has not closed or reset the
// connection since.
package syslog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"time"

	"jitaudit/sinks/alerts"
)

// Format is what the text of a message is.
type Format string

// The formats.
const (
	CEF  Format = "cef"  // ArcSight Common Event Format, CEF:0
	JSON Format = "json" // what Encode makes: OCSF
)

// Framing is how messages are told apart in the stream.
type Framing string

// The framings. What we write has no line feed within it, so either is safe.
const (
	OctetCounting Framing = "octet_counting" // RFC 6587, 3.4.1; with TLS the only one, RFC 5425
	LineFeed      Framing = "line_feed"      // RFC 6587, 3.4.2, for receivers that know no other
)

// Config says where messages go and what they look like.
type Config struct {
	// Addr is host:port. RFC 5425 gives TLS port 6514; TCP has none of its own.
	Addr string
	// TLS encrypts; nil sends everything for all on the way to read.
	TLS *TLS
	// Framing is by default OctetCounting; with TLS it can be nothing else.
	Framing Framing
	// Format is by default CEF.
	Format Format
	// Facility is a name of RFC 5424's table, as "local0" (the default), "auth",
	// "audit".
	Facility string
	// Hostname and AppName say who sends: printable ASCII, no more than 255 and 48
	// bytes. Hostname may be empty; AppName is by default "jitaudit".
	Hostname, AppName string
	// Enterprise is the private enterprise number in the name of the structured
	// data. Default 32473, which IANA keeps for examples (RFC 5612).
	Enterprise uint32
	// NoBOM leaves out the byte order mark that RFC 5424 puts in front of UTF-8, for
	// receivers whose parser stumbles over it.
	NoBOM bool
	// Version is the program's, shown in CEF.
	Version string
	// MaxBytes bounds one message. Default 64 KiB, from 8 KiB to 1 MiB.
	MaxBytes int
	// Timeout bounds connecting, and writing one message. Default 10 s.
	Timeout time.Duration
	// Encode makes the bodies of messages in JSON, each one object. It is called for
	// one alert at a time, or for a digest; CEF does without.
	Encode func(*alerts.Notice) ([][]byte, error)
}

const (
	defaultAppName    = "jitaudit"
	defaultFacility   = "local0"
	defaultEnterprise = 32473
	defaultMaxBytes   = 64 << 10
	defaultTimeout    = 10 * time.Second

	minMaxBytes, maxMaxBytes = 8 << 10, 1 << 20
	maxHostname, maxAppName  = 255, 48

	// settle is how long we look, after all is written, whether the other side
	// closes or resets the connection: it takes a round trip to learn of it.
	settle = 300 * time.Millisecond
)

// Receiver sends to one server.
type Receiver struct {
	cfg      Config
	dialer   *dialer
	facility int
	procID   string
	conn     *conn // nil when there is none
	settle   time.Duration
	now      func() time.Time
}

var _ alerts.Receiver = (*Receiver)(nil)

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Receiver, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	d, err := newDialer(cfg)
	if err != nil {
		return nil, err
	}
	return &Receiver{
		cfg: cfg, dialer: d, facility: slices.Index(facilities(), cfg.Facility),
		procID: strconv.Itoa(os.Getpid()), settle: settle, now: time.Now,
	}, nil
}

func (c Config) withDefaults() Config {
	if c.Framing == "" {
		c.Framing = OctetCounting
	}
	if c.Format == "" {
		c.Format = CEF
	}
	if c.Facility == "" {
		c.Facility = defaultFacility
	}
	if c.AppName == "" {
		c.AppName = defaultAppName
	}
	if c.Enterprise == 0 {
		c.Enterprise = defaultEnterprise
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

func (c Config) validate() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if n, wrong := strconv.ParseUint(port, 10, 16); err != nil || host == "" || wrong != nil || n == 0 {
		return fmt.Errorf("addr: want host:port, as siem.example.com:6514 (got %q)", c.Addr)
	}
	printable := regexp.MustCompile(`^[!-~]*$`)
	switch {
	case c.Framing != OctetCounting && c.Framing != LineFeed:
		return fmt.Errorf("framing: want %s or %s (got %q)", OctetCounting, LineFeed, c.Framing)
	case c.Framing == LineFeed && c.TLS != nil:
		return fmt.Errorf("framing: with TLS want %s, as RFC 5425 has it (got %q)", OctetCounting, c.Framing)
	case c.Format != CEF && c.Format != JSON:
		return fmt.Errorf("format: want %s or %s (got %q)", CEF, JSON, c.Format)
	case c.Format == JSON && c.Encode == nil:
		return errors.New("syslog: nothing makes the messages' JSON")
	case !slices.Contains(facilities(), c.Facility):
		return fmt.Errorf("facility: want one of %q (got %q)", facilities(), c.Facility)
	case len(c.Hostname) > maxHostname || !printable.MatchString(c.Hostname):
		return fmt.Errorf("hostname: want no more than %d bytes of ASCII without spaces (got %q)", maxHostname, c.Hostname)
	case len(c.AppName) > maxAppName || !printable.MatchString(c.AppName):
		return fmt.Errorf("app_name: want no more than %d bytes of ASCII without spaces (got %q)", maxAppName, c.AppName)
	case c.MaxBytes < minMaxBytes || c.MaxBytes > maxMaxBytes:
		return fmt.Errorf("max_bytes: want %d to %d (got %d)", minMaxBytes, maxMaxBytes, c.MaxBytes)
	case c.Timeout < 0:
		return fmt.Errorf("timeout: want more than 0 (got %s)", c.Timeout)
	}
	return nil
}

// Close ends the connection.
func (r *Receiver) Close() error {
	if r.conn == nil {
		return nil
	}
	err := r.conn.close()
	r.conn = nil
	return err
}

// Send returns nil once all messages are written and the other side has kept the
// connection. After an error all of them are to be sent again.
func (r *Receiver) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	messages, err := r.messages(n)
	if err != nil {
		return false, fmt.Errorf("make syslog messages of notice %s: %w", show(n.ID, headLimit), err)
	}
	if err := r.write(ctx, messages); err != nil {
		if r.conn != nil {
			_ = r.conn.close() // it has failed already
			r.conn = nil
		}
		return true, fmt.Errorf("send syslog to %s: %w", r.cfg.Addr, err)
	}
	return false, nil
}

func (r *Receiver) write(ctx context.Context, messages [][]byte) error {
	if r.conn != nil && r.conn.lost() != nil { // while nothing was sent: nothing is lost
		_ = r.conn.close()
		r.conn = nil
	}
	if r.conn == nil {
		c, err := r.dialer.dial(ctx)
		if err != nil {
			return err
		}
		r.conn = c
	}
	for _, m := range messages {
		if err := r.conn.write(ctx, r.frame(m)); err != nil {
			return err
		}
	}
	return r.conn.stays(ctx, r.settle)
}

func (r *Receiver) frame(message []byte) []byte {
	if r.cfg.Framing == LineFeed {
		return append(message, '\n')
	}
	return append(strconv.AppendInt(nil, int64(len(message)), 10), append([]byte{' '}, message...)...)
}
