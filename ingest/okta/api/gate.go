package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// gate stands between the SDK and the network.
type gate struct {
	next  http.RoundTripper
	count func(outcome string)

	mu    sync.Mutex // held while a token is asked for
	token context.Context
}

// bind lets requests for tokens end with ctx until it is released. One at a time
// asks, the others find the token in the SDK.
func (g *gate) bind(ctx context.Context) (release func()) {
	g.mu.Lock()
	g.token = ctx
	return func() {
		g.token = nil
		g.mu.Unlock()
	}
}

// RoundTrip sends one request. The SDK repeats what ends with io.EOF at once and
// without end (some 6,000 requests a second), so it must not see one.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost { // the only one is for a token, under bind
		ctx, cancel := context.WithCancelCause(req.Context())
		defer context.AfterFunc(g.token, func() { cancel(context.Cause(g.token)) })()
		req = req.WithContext(ctx)
	}
	resp, err := g.next.RoundTrip(req)
	switch {
	case errors.Is(err, io.EOF):
		g.count("failed")
		return nil, errors.New("the connection was closed without an answer")
	case err != nil:
		g.count("failed")
		return nil, err
	case resp.StatusCode == http.StatusTooManyRequests:
		g.count("throttled")
	case resp.StatusCode >= http.StatusBadRequest:
		g.count("failed")
	default:
		g.count("ok")
	}
	return resp, nil
}

// CloseIdleConnections passes on what http.Client asks for.
func (g *gate) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

var _ http.RoundTripper = (*gate)(nil)
