// Package webhook posts alerts as OCSF events to a URL, each request signed, so that
// whoever receives them knows that they are from here, unaltered and not replayed.
package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"jitaudit/internal/signature"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/post"
	"jitaudit/sinks/siem/ocsf"
)

// Config says where events go.
type Config struct {
	// URL is https; http only to this machine.
	URL string
	// HMACSecret is what requests are signed with, 16 bytes or more. It is never
	// printed.
	HMACSecret string
	// Token goes into Authorization: Bearer, where the far side wants one. It is
	// never printed.
	Token string
	// Format is json, an array of events, or ndjson, one event a line. Default json.
	Format string
	// CA are the authorities that sign the server, PEM; empty for the system's.
	CA []byte
	// Timeout bounds one request with its answer. Default 10 s.
	Timeout time.Duration
	// MaxBytes bounds the body of one request. Default 1 MiB, from 512 KiB + 2 B, the
	// longest event in an array, to 100 MiB.
	MaxBytes int
	// Version is that of this program, as events name it.
	Version string
	// Now is the clock of signatures; nil for the machine's.
	Now func() time.Time
}

// NoticeHeader carries the id of a request: the notice's, with ".2of3" behind it where
// the notice takes several. The same request, when sent again, has the same.
const NoticeHeader = "X-Jitaudit-Notice"

const (
	defaultMaxBytes = 1 << 20
	minMaxBytes     = ocsf.MaxEvent + 2
	maxMaxBytes     = 100 << 20
	minSecret       = 16
)

// Receiver posts to one URL.
type Receiver struct {
	cfg    Config
	mapper *ocsf.Mapper
	post   *post.Client
}

var _ alerts.Receiver = (*Receiver)(nil)

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Receiver, error) {
	if cfg.Format == "" {
		cfg.Format = "json"
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultMaxBytes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	switch {
	case len(cfg.HMACSecret) < minSecret: // its length is not told either
		return nil, fmt.Errorf("hmac_secret: want %d characters or more; make it with openssl rand -hex 32", minSecret)
	case cfg.Token != "" && !regexp.MustCompile(`^[!-~]+$`).MatchString(cfg.Token):
		return nil, errors.New("token: want ASCII without spaces")
	case cfg.Format != "json" && cfg.Format != "ndjson":
		return nil, fmt.Errorf("format: want json or ndjson (got %q)", cfg.Format)
	case cfg.MaxBytes < minMaxBytes || cfg.MaxBytes > maxMaxBytes:
		return nil, fmt.Errorf("max_bytes: want %d to %d (got %d)", minMaxBytes, maxMaxBytes, cfg.MaxBytes)
	}
	client, err := post.New(post.Config{
		URL: cfg.URL, CA: cfg.CA, Timeout: cfg.Timeout, Secrets: []string{cfg.HMACSecret, cfg.Token},
	})
	if err != nil {
		return nil, err
	}
	return &Receiver{cfg: cfg, mapper: ocsf.NewMapper(cfg.Version), post: client}, nil
}

// Close lets go of connections that rest.
func (r *Receiver) Close() error { return r.post.Close() }

// Send posts the events of a notice, in as many requests as it takes, one after the
// other. An error after some were acknowledged sends all of them again.
func (r *Receiver) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	lines, err := r.mapper.Lines(n, r.cfg.Now())
	if err != nil {
		return false, err
	}
	parts := r.split(lines)
	for i, part := range parts {
		if retry, err := r.request(ctx, requestID(n.ID, i, len(parts)), r.body(part)); err != nil {
			return retry, fmt.Errorf("send part %d of %d of a notice: %w", i+1, len(parts), err)
		}
	}
	return false, nil
}

func (r *Receiver) request(ctx context.Context, id string, body []byte) (retry bool, err error) {
	header := http.Header{
		"Content-Type":   {"application/json"},
		signature.Header: {signature.Sign([]byte(r.cfg.HMACSecret), body, r.cfg.Now())},
		NoticeHeader:     {id},
	}
	if r.cfg.Format == "ndjson" {
		header.Set("Content-Type", "application/x-ndjson")
	}
	if r.cfg.Token != "" {
		header.Set("Authorization", "Bearer "+r.cfg.Token)
	}
	_, retry, err = r.post.Post(ctx, "", header, body)
	return retry, err
}

// split divides events into as few parts as may be, in order, each for one body. An
// event fits into one: MaxBytes is not less than it can have.
func (r *Receiver) split(lines [][]byte) (parts [][][]byte) {
	const around = len("[") + len("]")
	for len(lines) > 0 {
		n, size := 0, around
		for n < len(lines) && (n == 0 || size+len(lines[n]) <= r.cfg.MaxBytes) {
			size += len(lines[n]) + len(",")
			n++
		}
		parts, lines = append(parts, lines[:n]), lines[n:]
	}
	return parts
}

func (r *Receiver) body(lines [][]byte) []byte {
	if r.cfg.Format == "ndjson" {
		return append(bytes.Join(lines, []byte("\n")), '\n')
	}
	return slices.Concat([]byte("["), bytes.Join(lines, []byte(",")), []byte("]"))
}

// requestID is the id of one of the requests of a notice. One that could not stand in
// a header is hashed.
func requestID(notice string, i, of int) string {
	if !regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`).MatchString(notice) {
		sum := sha256.Sum256([]byte(notice))
		notice = hex.EncodeToString(sum[:])
	}
	if of == 1 {
		return notice
	}
	return notice + "." + strconv.Itoa(i+1) + "of" + strconv.Itoa(of)
}
