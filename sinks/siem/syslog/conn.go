package syslog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// TLS says how to encrypt (RFC 5425). Versions before 1.2 are never spoken.
type TLS struct {
	// CA are the authorities that sign the server, PEM; empty for the system's.
	CA []byte
	// Cert and Key are who we are, PEM; both or none.
	Cert, Key []byte
	// ServerName is the name in the server's certificate; by default Addr's host.
	ServerName string
}

func (t *TLS) config(host string) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.ServerName != "" {
		conf.ServerName = t.ServerName
	}
	if len(t.CA) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("tls.ca_file: it holds no certificate in PEM")
		}
	}
	if (len(t.Cert) == 0) != (len(t.Key) == 0) {
		return nil, errors.New("tls: cert_file and key_file belong together")
	}
	if len(t.Cert) > 0 {
		cert, err := tls.X509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("tls.cert_file: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

type dialer struct {
	addr    string
	tls     *tls.Config // nil for TCP alone
	timeout time.Duration
}

func newDialer(cfg Config) (*dialer, error) {
	d := &dialer{addr: cfg.Addr, timeout: cfg.Timeout}
	if cfg.TLS != nil {
		host, _, err := net.SplitHostPort(cfg.Addr)
		if err != nil {
			return nil, fmt.Errorf("addr: %w", err)
		}
		if d.tls, err = cfg.TLS.config(host); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *dialer) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	stream, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if d.tls != nil {
		secure := tls.Client(stream, d.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = stream.Close()
			return nil, fmt.Errorf("agree on TLS: %w", err)
		}
		stream = secure
	}
	c := &conn{stream: stream, timeout: d.timeout, gone: make(chan struct{})}
	go c.watch()
	return c, nil
}

// conn is a connection that somebody always reads from, for that alone shows that
// the other side has closed or reset it. A server that does not want our
// certificate tells us so only after TLS 1.3 is agreed on, too.
type conn struct {
	stream  net.Conn
	timeout time.Duration
	// gone is closed when reading has ended, with err.
	gone chan struct{}
	err  error
}

// watch reads what servers do not send, until the end.
func (c *conn) watch() {
	defer close(c.gone)
	ignored := make([]byte, 512)
	for {
		if _, err := c.stream.Read(ignored); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the other side closed the connection")
			}
			c.err = err
			return
		}
	}
}

// lost is why the connection is no more, nil while it is.
func (c *conn) lost() error {
	select {
	case <-c.gone:
		return c.err
	default:
		return nil
	}
}

// write is bounded by the timeout. After an error there is no telling how much
// has arrived.
func (c *conn) write(ctx context.Context, b []byte) error {
	// The deadline alone would let a stalled server hold us up after ctx has ended.
	stop := context.AfterFunc(ctx, func() { _ = c.stream.Close() })
	defer stop()
	err := c.stream.SetWriteDeadline(time.Now().Add(c.timeout))
	if err == nil {
		_, err = c.stream.Write(b)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if lost := c.lost(); lost != nil { // says more than "broken pipe"
		err = lost
	}
	return fmt.Errorf("write: %w", err)
}

// stays returns an error if the connection ends within so long.
func (c *conn) stays(ctx context.Context, long time.Duration) error {
	over := time.NewTimer(long)
	defer over.Stop()
	select {
	case <-over.C:
		return nil
	case <-c.gone:
		if ctx.Err() != nil { // then it was us
			return context.Cause(ctx)
		}
		return fmt.Errorf("all was written, but may not have arrived: %w", c.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends the connection and waits for its reader.
func (c *conn) close() error {
	there := c.lost() == nil
	err := c.stream.Close()
	<-c.gone
	if !there { // then there was nobody to take leave of
		err = nil
	}
	return err
}
