package post

import (
	"context"
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
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jitaudit/sinks/alerts"
)

const token = "5e1f0a9c-not-to-be-seen"

// serve answers until the test ends.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// dial makes a client that is closed before its server is.
func dial(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		want string // empty: taken
	}{
		{"https", Config{URL: "https://siem.example.com/in"}, ""},
		{"http to this machine", Config{URL: "http://127.0.0.1:8088/in"}, ""},
		{"http to this machine by name", Config{URL: "http://localhost/in"}, ""},
		{"http to this machine, IPv6", Config{URL: "http://[::1]:8088/in"}, ""},
		{"http that is allowed", Config{URL: "http://siem.example.com/in", Plain: true}, ""},
		{"http elsewhere", Config{URL: "http://siem.example.com/in"}, "url: http to siem.example.com would show everything to the network: use https"},
		{"http to an address", Config{URL: "http://198.51.100.7/in"}, "url: http to 198.51.100.7 would show everything to the network: use https"},
		{"a name that only begins so", Config{URL: "http://localhost.example.com/in"}, "url: http to localhost.example.com would show everything to the network: use https"},
		{"nothing", Config{}, "url: it is no URL; write such as https://siem.example.com/path"},
		{"no host", Config{URL: "https:///in"}, "url: it is no URL; write such as https://siem.example.com/path"},
		{"a port alone", Config{URL: "https://:443/in"}, "url: it is no URL; write such as https://siem.example.com/path"},
		{"no URL at all", Config{URL: "https://siem.example.com/%zz" + token}, "url: it is no URL; write such as https://siem.example.com/path"},
		{"another protocol", Config{URL: "ftp://siem.example.com/in"}, `url: want https (got "ftp")`},
		{"a password", Config{URL: "https://ada:" + token + "@siem.example.com/in"}, "url: it holds a password; set it as a secret of its own"},
		{"no certificate", Config{URL: "https://siem.example.com", CA: []byte("none")}, "tls.ca_file: it holds no certificate in PEM"},
		{"time goes back", Config{URL: "https://siem.example.com", Timeout: -time.Second}, "timeout: want more than 0 (got -1s)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := New(c.cfg)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := got.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPostSendsTheBodyAndReturnsTheAnswer(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, "%s %s?%s %s %s %s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("User-Agent"), body)
	})
	c := dial(t, Config{URL: s.URL + "/base?channel=a"})
	for path, want := range map[string]string{
		"":    "POST /base?channel=a Bearer x jitaudit hello",
		"ack": "POST /base/ack?channel=a Bearer x jitaudit hello",
	} {
		answer, retry, err := c.Post(t.Context(), path, http.Header{"Authorization": {"Bearer x"}}, []byte("hello"))
		if err != nil || retry || string(answer) != want {
			t.Errorf("%q: answer %q, retry %v, error %v; want %q", path, answer, retry, err, want)
		}
	}
}

func TestWhatIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header map[string]string
		retry  bool
		delay  time.Duration
		want   string
	}{
		{"too many", 429, map[string]string{"Retry-After": "7"}, true, 7 * time.Second, "answered 429 Too Many Requests: said"},
		{"too many, until", 429, map[string]string{"Retry-After": "Mon, 04 May 2026 08:15:30 GMT"}, true, 30 * time.Second, "answered 429 Too Many Requests: said"},
		{"too many, without end", 429, map[string]string{"Retry-After": "9999999999999"}, true, 15 * time.Minute, "answered 429"},
		{"too many, overflowing", 429, map[string]string{"Retry-After": "99999999999999999999999"}, true, 0, "answered 429"},
		{"too many, until long ago", 429, map[string]string{"Retry-After": "Mon, 04 May 2020 08:15:30 GMT"}, true, 0, "answered 429"},
		{"too many, of no sense", 429, map[string]string{"Retry-After": "soon"}, true, 0, "answered 429"},
		{"too many, before", 429, map[string]string{"Retry-After": "-5"}, true, 0, "answered 429"},
		{"server error", 500, nil, true, 0, "answered 500 Internal Server Error: said"},
		{"busy", 503, map[string]string{"Retry-After": "2"}, true, 2 * time.Second, "answered 503 Service Unavailable: said"},
		{"wrong token", 401, nil, true, 0, "answered 401 Unauthorized (see whether the token is right and has the right to write): said"},
		{"no right", 403, nil, true, 0, "answered 403 Forbidden (see whether the token is right and has the right to write): said"},
		{"not there", 404, nil, true, 0, "answered 404 Not Found (see whether the URL is right): said"},
		{"time is up", 408, nil, true, 0, "answered 408 Request Timeout: said"},
		{"body refused", 400, nil, false, 0, "answered 400 Bad Request: said"},
		{"body too large", 413, nil, false, 0, "answered 413 Request Entity Too Large: said"},
		{"type refused", 415, nil, false, 0, "answered 415 Unsupported Media Type: said"},
		{"not to be processed", 422, nil, false, 0, "answered 422 Unprocessable Entity: said"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, "\n said \n")
			})
			client := dial(t, Config{URL: s.URL})
			client.now = func() time.Time { return time.Date(2026, 5, 4, 8, 15, 0, 0, time.UTC) }
			_, retry, err := client.Post(t.Context(), "", nil, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), client.Host()) {
				t.Fatalf("error %v, want %s", err, c.want)
			}
			if retry != c.retry || alerts.Delay(err) != c.delay {
				t.Errorf("retry %v after %s, want %v after %s", retry, alerts.Delay(err), c.retry, c.delay)
			}
		})
	}
}

// Where a redirect leads a secret must not follow.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL+"/"+token)
			w.WriteHeader(status)
		})
		_, retry, err := dial(t, Config{URL: s.URL}).Post(t.Context(), "", http.Header{"Authorization": {token}}, []byte("body"))
		if err == nil || !retry || !strings.Contains(err.Error(), "redirects are not followed") || strings.Contains(err.Error(), token) {
			t.Errorf("%d: retry %v, error %v", status, retry, err)
		}
	}
	if followed.Load() > 0 {
		t.Errorf("%d were followed", followed.Load())
	}
}

func TestASlowAnswerIsNotWaitedFor(t *testing.T) {
	for name, begin := range map[string]bool{"no answer": false, "half an answer": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that we are gone
				if begin {
					_, _ = io.WriteString(w, "so")
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			})
			_, retry, err := dial(t, Config{URL: s.URL, Timeout: 50 * time.Millisecond}).Post(t.Context(), "", nil, []byte("body"))
			var timeout net.Error
			if err == nil || !retry || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("retry %v, error %v", retry, err)
			}
		})
	}
}

func TestACallerWhoGivesUpIsLetGo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, retry, err := dial(t, Config{URL: s.URL, Timeout: time.Minute}).Post(ctx, "", nil, nil)
	if !errors.Is(err, context.Canceled) || !retry {
		t.Errorf("retry %v, error %v", retry, err)
	}
}

// broken answers each connection with some bytes, and closes it.
func broken(t *testing.T, answer string, reset bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(conn, answer)
			if reset {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func TestAConnectionThatBreaksIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		reset        bool
	}{
		{"closed", "", false},
		{"reset", "", true},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-Le", false},
		{"half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false},
		{"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf", false},
		{"half an answer, reset", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", true},
		{"no HTTP", "\x1b[31mSSH-2.0\r\n", false},
		{"no HTTP, but what was sent", token + "\r\n\r\n", false},
		{"header of another kind", "HTTP/1.1 200 OK\r\n" + token + "\r\n\r\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := dial(t, Config{URL: broken(t, c.answer, c.reset), Secrets: []string{token}})
			_, retry, err := client.Post(t.Context(), "", nil, []byte("body"))
			if err == nil || !retry || strings.ContainsAny(err.Error(), "\x1b\r\n") || strings.Contains(err.Error(), token) {
				t.Errorf("retry %v, error %q", retry, err)
			}
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, retry, err := dial(t, Config{URL: "http://" + l.Addr().String() + "/" + token}).Post(t.Context(), "", nil, nil)
		if err == nil || !retry || strings.Contains(err.Error(), token) {
			t.Errorf("retry %v, error %v", retry, err)
		}
	})
}

func TestNoSecretOfAnAnswerIsShown(t *testing.T) {
	const quoted, segment, value = `a"quoted\secret`, "T0/B0abcdefghijklmnop", "value of the query"
	for name, said := range map[string]string{
		"as it is":         "the token " + token + " is wrong",
		"twice":            token + token,
		"in JSON":          `{"text":"a\"quoted\\secret"}`,
		"in a URL":         "/in?token=a%22quoted%5Csecret",
		"part of the path": "no such hook: B0abcdefghijklmnop",
		"of the query":     "no such key: value of the query, value+of+the+query",
		"among escapes":    "\x1b[31m" + token + "\r\nX: " + token,
		"far behind":       strings.Repeat("x", 290) + token,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, said)
			})
			c := dial(t, Config{URL: s.URL + "/" + segment + "?key=value+of+the+query", Secrets: []string{"", token, quoted}})
			_, _, err := c.Post(t.Context(), "", nil, nil)
			for _, secret := range []string{token, token[:12], "quoted", "B0abc", value, "value+of"} {
				if err == nil || strings.Contains(err.Error(), secret) {
					t.Errorf("%q stands in %q", secret, err)
				}
			}
			if strings.ContainsAny(err.Error(), "\x1b\r\n") || len(err.Error()) > 500 {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestOfALongAnswerNotAllIsRead(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := io.WriteString(w, strings.Repeat("x", 10<<10)); err != nil {
				return // the client has gone, as it should
			}
		}
	})
	answer, _, err := dial(t, Config{URL: s.URL}).Post(t.Context(), "", nil, nil)
	if err != nil || len(answer) != answerLimit {
		t.Errorf("%d bytes, error %v", len(answer), err)
	}
}

// authority is a certificate authority of a test, and a server that it signed.
func authority(t *testing.T, names ...string) (ca []byte, cert tls.Certificate) {
	t.Helper()
	signed := func(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example CA"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootKey, leafKey := key(), key()
	rootDER := signed(root, root, rootKey, rootKey)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: to, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if len(names) > 0 {
		leaf.IPAddresses = nil
	}
	leafDER := signed(leaf, root, leafKey, rootKey)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}),
		tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}

// serveTLS answers "taken" under a certificate.
func serveTLS(t *testing.T, cert tls.Certificate, most uint16) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "taken") }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: most}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheServerIsKnownByItsAuthority(t *testing.T) {
	ca, cert := authority(t)
	otherCA, _ := authority(t)
	_, named := authority(t, "other.example.com", "a\x1b[31mb.example.com")
	for _, c := range []struct {
		name string
		ca   []byte
		cert tls.Certificate
		most uint16
		want string // empty: taken
	}{
		{"its own", ca, cert, 0, ""},
		{"among others", append(append([]byte{}, otherCA...), ca...), cert, 0, ""},
		{"another's", otherCA, cert, 0, "certificate signed by unknown authority"},
		{"the system's", nil, cert, 0, "certificate signed by unknown authority"},
		{"of another name", ca, named, 0, "certificate"},
		{"an old TLS", ca, cert, tls.VersionTLS11, "protocol version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, retry, err := dial(t, Config{URL: serveTLS(t, c.cert, c.most), CA: c.ca}).Post(t.Context(), "", nil, []byte("body"))
			switch {
			case c.want == "" && (err != nil || string(answer) != "taken"):
				t.Errorf("answer %q, error %v", answer, err)
			case c.want != "" && (err == nil || !retry || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b")):
				t.Errorf("retry %v, error %q, want %s", retry, err, c.want)
			}
		})
	}
}
