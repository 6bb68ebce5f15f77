package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// RoundTrip sends one request and reads its answer to the end, within
// AttemptTimeout: the SDK leaves bodies of tokens and of some errors open.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), AttemptTimeout)
	defer cancel()
	if req.Method == http.MethodPost { // the only one is for a token, under bind
		defer context.AfterFunc(g.token, cancel)()
	}
	resp, err := g.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		g.count("failed")
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && req.Context().Err() == nil {
			return nil, fmt.Errorf("no answer within %v", AttemptTimeout)
		}
		return nil, hideEOF(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		g.count("failed")
		return nil, fmt.Errorf("the answer breaks off after %d bytes: %w", len(body), hideEOF(err))
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		g.count("throttled")
	case resp.StatusCode >= http.StatusBadRequest:
		g.count("failed")
	default:
		g.count("ok")
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// hideEOF: the SDK repeats what ends with io.EOF at once and without end (some
// 6,000 requests a second), so it must not see one.
func hideEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the connection was closed without an answer")
	}
	return err
}

// CloseIdleConnections passes on what http.Client asks for.
func (g *gate) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
