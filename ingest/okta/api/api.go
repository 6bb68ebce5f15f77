// Package api asks an Okta org, through Okta's own SDK, for the pages of a list
// as the bytes that Okta sent.
//
// The SDK has habits that lose events or flood an org. This package is where
// they are held in check: its cache is off, since it would answer a poll with
// the last page again; a closed connection reaches it as an error that it does
// not repeat at once and for ever; every request has a deadline; pages are not
// decoded into the SDK's types, which drop fields and refuse whole pages for
// one odd record; and the cursor is sent by itself, never together with since.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"
)

const (
	// backoffMost is how long the SDK may wait for a limit to be reset, in
	// seconds. Limits are reset every minute, and the SDK adds a second.
	backoffMost = 61
	// retries is how often the SDK asks again after 429.
	retries = 2
	// AttemptTimeout bounds one exchange. Okta gives a query 30 seconds.
	AttemptTimeout = time.Minute
	// RequestTimeout bounds a request with all its repetitions and waits.
	RequestTimeout = retries*backoffMost*time.Second + (retries+1)*AttemptTimeout
)

// Config says which org is asked, and how.
type Config struct {
	// URL is the org's, such as https://example.okta.com. Only a loopback
	// address may do without TLS.
	URL  string
	Auth Auth
	// Transport sends the requests; nil for net/http's with the proxy of the
	// environment.
	Transport http.RoundTripper
	// Count is told how each exchange ended: ok, throttled or failed. May be nil.
	Count func(outcome string)
}

// Client asks one org. It is safe for concurrent use.
type Client struct {
	cfg    Config
	signer jose.Signer // nil with an API token
	pool   *http.Client
	gate   *gate

	mu  sync.Mutex
	sdk *okta.Client
}

// New makes a client and refuses a Config that cannot work. It asks nothing yet.
func New(cfg Config) (*Client, error) {
	u, err := checkURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	cfg.URL = u
	c := &Client{cfg: cfg}
	if c.signer, err = cfg.Auth.signer(); err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		c.cfg.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	if cfg.Count == nil {
		c.cfg.Count = func(string) {}
	}
	c.gate = &gate{next: c.cfg.Transport, count: c.cfg.Count}
	c.pool = &http.Client{Transport: c.gate}
	if c.sdk, err = c.connect(); err != nil {
		return nil, err
	}
	return c, nil
}

// connect makes the SDK's client. Everything that the SDK would else take from
// the environment or a file in the home folder is said here.
func (c *Client) connect() (*okta.Client, error) {
	set := []okta.ConfigSetter{
		okta.WithOrgUrl(c.cfg.URL),
		okta.WithTestingDisableHttpsCheck(true), // checkURL has done it
		okta.WithCache(false),
		okta.WithRequestTimeout(0), // the context's deadline covers waits, too
		okta.WithRateLimitMaxBackOff(backoffMost),
		okta.WithRateLimitMaxRetries(retries),
		okta.WithHttpClientPtr(c.pool),
		okta.WithUserAgentExtra("jitaudit"),
	}
	if c.signer == nil {
		set = append(set, okta.WithAuthorizationMode("SSWS"), okta.WithToken(c.cfg.Auth.Token))
	} else {
		set = append(set, okta.WithAuthorizationMode("PrivateKey"), okta.WithClientId(c.cfg.Auth.ClientID),
			okta.WithScopes(c.cfg.Auth.Scopes), okta.WithPrivateKeySigner(c.signer))
	}
	_, sdk, err := okta.NewClient(context.Background(), set...)
	if err != nil {
		return nil, fmt.Errorf("set up Okta's SDK for %s: %w", c.cfg.URL, err)
	}
	return sdk, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.pool.CloseIdleConnections() }

// Page is one page of a list.
type Page struct {
	// Elements are the elements of the page's JSON array, byte for byte.
	Elements []json.RawMessage
	// Date is the server's time of the answer, cut to the second.
	Date time.Time
	// Next is path and query of the page behind this one, as Okta gave it;
	// After is its cursor. Both are empty on the last page of a finite list.
	Next, After string
	// Wait is how long to hold back so as not to run into the org's limit; zero
	// as long as anything is left of it.
	Wait time.Duration
}

// Get asks for one page, waiting out 429. It returns an error that is ErrDenied
// when asking again cannot help, ErrRefused when Okta refuses the query as it
// is, ErrNotFound when there is no such thing; any other may pass by itself.
func (c *Client) Get(ctx context.Context, path string, q query.Params) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	var page Page
	err := c.twice(func() error {
		resp, body, err := c.do(ctx, path, q)
		if err == nil {
			page, err = read(resp, body)
		}
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("ask %s%s: %w", c.cfg.URL, path, err)
	}
	return page, nil
}

// twice asks again with a new client where a bearer token was revoked: the SDK
// keeps it for an hour, so that only a new client asks for another.
func (c *Client) twice(ask func() error) error {
	err := ask()
	if !errors.Is(err, errTokenRejected) {
		return err
	}
	sdk, err := c.connect()
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.sdk = sdk
	c.mu.Unlock()
	return ask()
}

// do makes one request, with the SDK's repetitions.
func (c *Client) do(ctx context.Context, path string, q query.Params) (*okta.Response, json.RawMessage, error) {
	c.mu.Lock()
	executor := c.sdk.CloneRequestExecutor()
	c.mu.Unlock()
	// The SDK asks for a token while it makes the request, without a context.
	release := c.gate.bind(ctx)
	req, err := executor.NewRequest(http.MethodGet, path+q.String(), nil)
	release()
	if err != nil {
		return nil, nil, c.explain(nil, err)
	}
	var body json.RawMessage
	resp, err := executor.Do(ctx, req, &body)
	if err != nil {
		return nil, nil, c.explain(resp, err)
	}
	return resp, body, nil
}

// read takes a page apart.
func read(resp *okta.Response, body json.RawMessage) (Page, error) {
	var page Page
	// No answer at all, and null, decode without an error.
	if len(body) == 0 || body[0] != '[' {
		return page, errors.New("the answer is no JSON array; if it stays so, check the URL and what stands between here and Okta")
	}
	if err := json.Unmarshal(body, &page.Elements); err != nil {
		return page, fmt.Errorf("the answer is no JSON array: %w", err)
	}
	var err error
	if page.Date, err = http.ParseTime(resp.Header.Get("Date")); err != nil {
		return page, fmt.Errorf("the answer has no Date, without which nothing can be said to be complete: %w", err)
	}
	page.Date = page.Date.UTC()
	if page.Next = resp.NextPage; page.Next != "" {
		next, err := url.Parse(page.Next)
		if err != nil {
			return page, fmt.Errorf("the answer links to a next page that is no URL: %w", err)
		}
		page.After = next.Query().Get("after")
	}
	if resp.Header.Get("X-Rate-Limit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(resp.Header.Get("X-Rate-Limit-Reset"), 10, 64); err == nil {
			wait := time.Unix(reset, 0).Sub(page.Date) + time.Second
			page.Wait = max(0, min(wait, backoffMost*time.Second))
		}
	}
	return page, nil
}
