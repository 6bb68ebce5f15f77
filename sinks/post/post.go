// Package post sends bodies to a URL by HTTP, for receivers of alerts: with a
// bound on time and on what is read of an answer, without following redirects,
// and with a judgement of whether trying again may help. No error names more of
// the URL than its host: what follows may be a secret.
package post

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/sinks/alerts"
)

// Config says where bodies go.
type Config struct {
	// URL is http or https; http only to this machine, unless Plain allows it.
	URL string
	// Plain allows http to other machines.
	Plain bool
	// CA are the authorities that sign the server, PEM; empty for the system's.
	CA []byte
	// Timeout bounds one request with its answer. Default 10 s.
	Timeout time.Duration
	// Secrets are never to be seen in errors, whatever the server answers; nor are
	// parts of the URL that may be one.
	Secrets []string
}

// Client sends to one server.
type Client struct {
	url     *url.URL
	secrets []string
	http    *http.Client
	now     func() time.Time
}

const (
	defaultTimeout = 10 * time.Second
	answerLimit    = 64 << 10
	shownLimit     = 300
)

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Hostname() == "": // the error of Parse would show the URL
		return nil, errors.New("url: it is no URL; write such as https://siem.example.com/path")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("url: want https (got %q)", u.Scheme)
	case u.User != nil:
		return nil, errors.New("url: it holds a password; set it as a secret of its own")
	case u.Scheme == "http" && !cfg.Plain && !local(u.Hostname()):
		return nil, fmt.Errorf("url: http to %s would show everything to the network: use https", u.Hostname())
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(cfg.CA) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(cfg.CA) {
			return nil, errors.New("tls.ca_file: it holds no certificate in PEM")
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("timeout: want more than 0 (got %s)", cfg.Timeout)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 2, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: cfg.Timeout,
	}
	return &Client{
		url: u, secrets: spellings(append(inURL(u), cfg.Secrets...)), now: time.Now,
		http: &http.Client{
			Transport: transport, Timeout: cfg.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Host is where bodies go, as it may be shown.
func (c *Client) Host() string { return c.url.Host }

// Close lets go of connections that rest.
func (c *Client) Close() error { c.http.CloseIdleConnections(); return nil }

// Post sends a body to the URL, to which path is appended, and returns what was
// answered, up to 64 KiB. The error is nil for an answer of 200 to 299. Else retry
// says whether to try again: no if the body itself was refused (400, 413, 414, 415,
// 422), yes for all else, also where a token or an address is wrong, for that is
// to be mended and loses nothing. An answer's Retry-After is told by
// alerts.Delay.
func (c *Client) Post(ctx context.Context, path string, header http.Header, body []byte) (answer []byte, retry bool, err error) {
	u := *c.url
	if path != "" {
		u = *u.JoinPath(path)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, false, fmt.Errorf("post to %s: %w", c.Host(), c.bare(err))
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "jitaudit")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, true, fmt.Errorf("post to %s: %w", c.Host(), c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answer, mayPass(resp.StatusCode), c.refused(resp, answer)
	}
	if err != nil {
		return nil, true, fmt.Errorf("read the answer of %s: %w", c.Host(), c.bare(err))
	}
	return answer, false, nil
}

// mayPass reports whether an answer says nothing against the body.
func mayPass(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return false
	}
	return true
}

func (c *Client) refused(resp *http.Response, answer []byte) error {
	err := fmt.Errorf("%s answered %d %s%s", c.Host(), resp.StatusCode, http.StatusText(resp.StatusCode), advice(resp.StatusCode))
	if said := c.redact(answer); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return alerts.After(err, retryAfter(resp.Header.Get("Retry-After"), c.now()))
}

func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return " (see whether the token is right and has the right to write)"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return " (see whether the URL is right)"
	case status >= 300 && status <= 399:
		return " (it points elsewhere, and redirects are not followed: configure where it points)"
	}
	return ""
}

// longestWait bounds what a server may ask for.
const longestWait = 15 * time.Minute

// retryAfter reads the header (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(value); err == nil && s > 0 {
		return min(time.Duration(min(s, int(longestWait/time.Second)))*time.Second, longestWait)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), longestWait)
	}
	return 0
}

// bare takes the URL out of an error of net/http, and makes what the server has
// put into it, such as a name in its certificate, fit to be shown.
func (c *Client) bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &shown{err, c.redact([]byte(err.Error()))}
}

// shown is an error with another text.
type shown struct {
	error
	text string
}

func (s *shown) Error() string { return s.text }
func (s *shown) Unwrap() error { return s.error }

// redact is what of an answer may be shown.
func (c *Client) redact(answer []byte) string {
	for _, s := range c.secrets {
		answer = bytes.ReplaceAll(answer, []byte(s), []byte("***"))
	}
	return visible.Clip(string(bytes.TrimSpace(answer)), shownLimit)
}

// inURL is what of a URL may be a secret: values of its query, and parts of its path
// that are too long for words.
func inURL(u *url.URL) (secrets []string) {
	const word = 16
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= word {
			secrets = append(secrets, part)
		}
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if len(v) >= word/2 {
				secrets = append(secrets, v)
			}
		}
	}
	return secrets
}

// spellings are secrets as they are, and as they stand in JSON and in a URL, the
// longest first, so that none is cut by one that is part of it.
func spellings(secrets []string) (all []string) {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted, err := json.Marshal(s)
		if err == nil {
			all = append(all, string(quoted[1:len(quoted)-1]))
		}
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s))
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}
