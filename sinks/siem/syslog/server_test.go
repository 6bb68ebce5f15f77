package syslog

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// server reads syslog by octet counting (RFC 6587, 3.4.1), or by line feeds.
type server struct {
	addr string
	// got are the messages, in the order of their arrival.
	got chan string
	// failed is why a stream could not be read.
	failed chan error

	tls   *tls.Config
	lines bool
	// handle takes a connection instead of reading it, if it is set.
	handle func(net.Conn)

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	accepted int
	running  sync.WaitGroup
}

func newServer(t *testing.T, change ...func(*server)) *server {
	t.Helper()
	s := &server{got: make(chan string, 1000), failed: make(chan error, 100), conns: map[net.Conn]bool{}}
	for _, c := range change {
		c(s)
	}
	s.start(t, "127.0.0.1:0")
	t.Cleanup(func() {
		s.stop()
		select {
		case err := <-s.failed:
			t.Error("server:", err)
		default:
		}
	})
	return s
}

func (s *server) start(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s.listener, s.addr = l, l.Addr().String()
	s.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.accepted++
			s.mu.Unlock()
			s.running.Go(func() {
				defer c.Close()
				if s.handle != nil {
					s.handle(c)
					return
				}
				s.read(c)
			})
		}
	})
}

// stop ends all connections and waits.
func (s *server) stop() {
	s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.conns = map[net.Conn]bool{}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *server) read(c net.Conn) {
	if s.tls != nil {
		c = tls.Server(c, s.tls)
		defer c.Close()
	}
	r := bufio.NewReader(c)
	for {
		message, err := s.frame(r)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.failed <- err
			return
		}
		s.got <- message
	}
}

func (s *server) frame(r *bufio.Reader) (string, error) {
	if s.lines {
		line, err := r.ReadString('\n')
		return strings.TrimSuffix(line, "\n"), err
	}
	length, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	var n int
	if _, err := fmt.Sscanf(length, "%d ", &n); err != nil || n <= 0 || length[0] == '0' {
		return "", fmt.Errorf("MSG-LEN %q", length)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return string(b), err
}

// next is the next message, read by the parser.
func (s *server) next(t *testing.T) parsed {
	t.Helper()
	select {
	case m := <-s.got:
		p, err := parse5424(m)
		if err != nil {
			t.Fatalf("%v\nin %q", err, m)
		}
		return p
	case err := <-s.failed:
		t.Fatal("server:", err)
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	return parsed{}
}

// nothing fails if a message has come.
func (s *server) nothing(t *testing.T) {
	t.Helper()
	select {
	case m := <-s.got:
		t.Errorf("came: %q", m)
	default:
	}
}

// pair is a certificate with its key, PEM.
type pair struct{ cert, key []byte }

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a *authority) issue(t *testing.T, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
	}
}

// serves is a server's configuration; it wants a certificate of clients, if any
// authority is to have signed it.
func (a *authority) serves(t *testing.T, p pair, clients *authority) *tls.Config {
	t.Helper()
	cert, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		conf.ClientCAs = x509.NewCertPool()
		conf.ClientCAs.AddCert(clients.cert)
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return conf
}
