package clickhouse

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jitaudit/internal/chdb/server"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

const secret = "hunter2/ +%"

// TestServerErrorsAreOneSentenceWithWhatToDo answers an insert as ClickHouse
// does when something is wrong.
func TestServerErrorsAreOneSentenceWithWhatToDo(t *testing.T) {
	tests := []struct {
		name      string
		status    int
		code      int
		body      string
		permanent bool
		want      []string
	}{
		{"wrong password", 403, 516, "Code: 516. DB::Exception: audit: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED) (version 25.3.1.1)", true,
			[]string{"does not let user audit in", "check user and password"}},
		{"no right to insert", 403, 497, "Code: 497. DB::Exception: audit: Not enough privileges. To execute this query, it's necessary to have the grant INSERT(id, version) ON jitaudit.sessions_log. (ACCESS_DENIED) (version 25.3.1.1)", true,
			[]string{"user audit lacks a right", "GRANT INSERT(id, version) ON jitaudit.sessions_log TO audit"}},
		{"no right to make a database", 403, 497, "Code: 497. DB::Exception: audit: Not enough privileges. To execute this query, it's necessary to have the grant CREATE DATABASE ON jitaudit.*. (ACCESS_DENIED)", true,
			[]string{"GRANT CREATE DATABASE ON jitaudit.* TO audit"}},
		{"read-only", 500, 164, "Code: 164. DB::Exception: audit: Cannot execute query in readonly mode. (READONLY)", true,
			[]string{"the profile of user audit forbids it", "allow it to write"}},
		{"a table is gone", 404, 60, "Code: 60. DB::Exception: Table jitaudit.sessions_log does not exist. (UNKNOWN_TABLE)", true,
			[]string{"jitaudit migrate"}},
		{"disk full", 500, 243, "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)", false,
			[]string{"disk is full", "goes on by itself"}},
		{"disk full, as the system says it", 500, 1001, "Code: 1001. DB::Exception: std::exception. Code: 1001, e.what() = filesystem error: No space left on device. (STD_EXCEPTION)", false,
			[]string{"disk is full"}},
		{"too many parts", 500, 252, "Code: 252. DB::Exception: Too many parts (3000 with average size of 1.00 KiB). Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)", false,
			[]string{"merges more slowly"}},
		{"out of memory", 500, 241, "Code: 241. DB::Exception: (total) memory limit exceeded: would use 9.00 GiB. (MEMORY_LIMIT_EXCEEDED)", false,
			[]string{"out of memory"}},
		{"anything else", 500, 999, "Code: 999. DB::Exception: Connection loss with password " + secret + ". (KEEPER_EXCEPTION) (version 25.3.1.1 (official build))\nstack", false,
			[]string{"code 999", "Connection loss with password ***"}},
		{"not ClickHouse", 404, 0, "<html>", true, []string{"answers 404, not as ClickHouse does", "port 8123"}},
		{"a proxy wants a login", 401, 0, "<html>", true, []string{"answers 401"}},
		{"nothing behind the proxy", 502, 0, "<html>", false, []string{"answers 502"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.code > 0 {
					w.Header().Set("X-ClickHouse-Exception-Code", fmt.Sprint(tt.code))
				}
				w.WriteHeader(tt.status)
				_, _ = fmt.Fprintln(w, tt.body) // a client that is gone needs no answer
			}))
			defer s.Close()
			err := writeOne(t, Config{URL: s.URL, User: "audit", Password: secret})
			sentence(t, err, tt.permanent, append(tt.want, s.URL, "database jitaudit")...)
		})
	}
}

func writeOne(t *testing.T, cfg Config) error {
	t.Helper()
	_, err := NewSink(open(t, cfg)).Write(deadline(t), []sinks.Record{{Topic: topics.Sessions, Value: session("a", 1, nil)}})
	return err
}

func sentence(t *testing.T, err error, permanent bool, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if sinks.IsPermanent(err) != permanent {
		t.Errorf("%q: permanent is %t", err, !permanent)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not say %q", err, p)
		}
	}
	for _, bad := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), "\n", "INSERT%20INTO", "INSERT+INTO"} {
		if strings.Contains(err.Error(), bad) {
			t.Errorf("%q has %q in it", err, bad)
		}
	}
}

func TestAnUnreachableServerIsTransient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = writeOne(t, Config{URL: "http://" + l.Addr().String(), User: "audit", Password: secret})
	sentence(t, err, false, "cannot be reached", "connection refused", "check that it is up")
}

func TestAServerThatBreaksOffIsTransient(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer s.Close()
	sentence(t, writeOne(t, Config{URL: s.URL, Password: secret}), false, "cannot be reached", "EOF")
}

func TestBeingStoppedIsTransient(t *testing.T) {
	db := migrated(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // whoever is first, the batch was not written
		_, err := NewSink(db).Write(ctx, []sinks.Record{{Topic: topics.Sessions, Value: session("a", 1, nil)}})
		sentence(t, err, false, "we are to stop")
	}
}

func TestTheEmbeddedServerRefusesAnotherPassword(t *testing.T) {
	cfg := config(t)
	if os.Getenv(realServer) == "" {
		cfg.User = server.User
	}
	cfg.Password = secret
	sentence(t, open(t, cfg).Migrate(deadline(t)), true, "check user and password")
}

func TestAMissingDatabaseSaysToMigrate(t *testing.T) {
	db := open(t, config(t))
	_, err := db.Sessions(deadline(t))
	sentence(t, err, true, "jitaudit migrate")
}

func TestAnOldServerIsRefused(t *testing.T) {
	tests := []struct {
		version string
		want    string // of the error; empty: none
	}{
		{"26.7.2.1", ""}, {"24.8.1.2684", ""}, {"25.1", ""},
		{"24.7.9.9", "needs 24.8 or later"}, {"18.16.1", "needs 24.8 or later"}, {"next", "is none"},
	}
	for _, tt := range tests {
		t.Run(tt.version, func(t *testing.T) {
			err := checkVersion("http://localhost:8123", tt.version)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !sinks.IsPermanent(err)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestTLS stands a proxy that speaks TLS before the server.
func TestTLS(t *testing.T) {
	cfg := config(t)
	target, err := url.Parse(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	forward.Transport = transport
	proxy := httptest.NewUnstartedServer(forward)
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // refusing the certificate is the point
	proxy.StartTLS()
	defer proxy.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.URL = proxy.URL

	t.Run("with its CA", func(t *testing.T) {
		cfg := cfg
		cfg.CAFile = ca
		db := open(t, cfg)
		if err := db.Migrate(deadline(t)); err != nil {
			t.Fatal(err)
		}
		write(t, db, topics.Sessions, session("a", 1, nil))
		if got := ask(t, db, "SELECT id FROM sessions"); got != "a" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("without", func(t *testing.T) {
		sentence(t, open(t, cfg).Ping(deadline(t)), true, "not to be trusted", "ca_file")
	})
	t.Run("a CA that is none", func(t *testing.T) {
		cfg := cfg
		cfg.CAFile = filepath.Join(t.TempDir(), "none.pem")
		if err := open(t, cfg).Ping(deadline(t)); err == nil || !strings.Contains(err.Error(), "none.pem") {
			t.Errorf("got %v, want the file named", err)
		}
	})
	t.Run("TLS to a port without", func(t *testing.T) {
		cfg := cfg
		cfg.URL = "https://" + target.Host
		sentence(t, open(t, cfg).Ping(deadline(t)), true, "does not speak TLS")
	})
}

func TestConfig(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want string // of the error; empty: none
	}{
		{"plain", Config{URL: "http://localhost:8123"}, ""},
		{"without a port", Config{URL: "https://ch.example.com"}, ""},
		{"behind a path", Config{URL: "https://ch.example.com/clickhouse/"}, ""},
		{"native", Config{URL: "clickhouse://localhost:9000"}, ""},
		{"nothing", Config{}, "url: want http://HOST:PORT"},
		{"no URL", Config{URL: "localhost:8123"}, "url: want http://HOST:PORT"},
		{"a password in the URL", Config{URL: "http://u:" + "hunter2" + "@localhost:8123"}, "url: user, password and settings do not belong"},
		{"another scheme", Config{URL: "ftp://localhost"}, `url: want the scheme http or https (got "ftp")`},
		{"a database that is none", Config{URL: "http://localhost", Database: "a`b"}, "database: want letters"},
		{"a CA without TLS", Config{URL: "http://localhost", CAFile: "ca.pem"}, "ca_file: is given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.cfg.Validate()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v has the password in it", err)
			}
		})
	}
}
