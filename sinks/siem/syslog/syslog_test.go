package syslog

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

func receiver(t *testing.T, s *server, change ...func(*Config)) *Receiver {
	t.Helper()
	cfg := Config{Addr: s.addr, Hostname: "audit.example.com", Version: "1.2.3"}
	for _, c := range change {
		c(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.settle = 20 * time.Millisecond
	r.now = func() time.Time { return observed }
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

var observed = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

func finding(why string) alerts.Alert {
	return alerts.Alert{Change: alerts.Opened, Finding: &schemas.Finding{
		ID: "fnd_1", Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open, Why: why,
		Person: schemas.Person{Key: "okta:acme/00u1", Name: "alice@example.com"}, Account: "111111111111", Role: "Admin",
		At: observed.Add(-time.Hour), Session: "ses_1", Evidence: []string{"e1", "e2"},
		Meta: schemas.Meta{Version: 7, Observed: observed},
	}}
}

func notice(some ...alerts.Alert) *alerts.Notice {
	return &alerts.Notice{ID: "n1", Alerts: some}
}

func deliver(t *testing.T, r *Receiver, n *alerts.Notice) {
	t.Helper()
	if retry, err := r.Send(t.Context(), n); err != nil || retry {
		t.Fatalf("Send = %t, %v; want it delivered", retry, err)
	}
}

// fails is Send where the connection must fail.
func fails(t *testing.T, r *Receiver, n *alerts.Notice, want string) {
	t.Helper()
	retry, err := r.Send(t.Context(), n)
	if err == nil || !retry || !strings.Contains(err.Error(), want) {
		t.Fatalf("Send = %t, %v; want true and an error with %q", retry, err, want)
	}
}

func TestMessagesAreWhatTheRFCSays(t *testing.T) {
	s := newServer(t)
	r := receiver(t, s, func(c *Config) { c.Facility, c.Enterprise, c.AppName = "audit", 4711, "audit-app" })
	a := finding(`she said "no" [twice]`)
	a.Link = "https://audit.example.com/f/1?a=b"
	deliver(t, r, notice(a))
	p := s.next(t)
	if want := `she said "no" [twice]`; !strings.Contains(p.text, want) {
		t.Errorf("text %q without %q", p.text, want)
	}
	p.text = ""
	want := parsed{
		facility: 13, severity: 3, at: observed, hostname: "audit.example.com", appName: "audit-app", procID: strconv.Itoa(os.Getpid()),
		msgID: "finding.opened", dataID: "jitaudit@4711", bom: true,
		params: map[string]string{
			"id": "fnd_1.7", "notice": "n1", "record": "fnd_1", "version": "7", "kind": "finding", "change": "opened", "rule": "no_mfa",
			"severity": "high", "status": "open", "person": "alice@example.com", "account": "111111111111", "role": "Admin",
		},
	}
	if diff := cmp.Diff(want, p, cmp.AllowUnexported(parsed{})); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestSeverities(t *testing.T) {
	for _, tt := range []struct {
		severity    schemas.Severity
		syslog, cef int
	}{
		{schemas.Critical, 2, 10}, {schemas.High, 3, 8}, {schemas.Medium, 4, 5}, {schemas.Low, 5, 3}, {schemas.Info, 6, 1}, {"", 6, 1},
	} {
		if s, c := syslogSeverity(tt.severity), cefSeverity(tt.severity); s != tt.syslog || c != tt.cef {
			t.Errorf("%q: syslog %d, CEF %d; want %d, %d", tt.severity, s, c, tt.syslog, tt.cef)
		}
	}
}

func TestCEF(t *testing.T) {
	granted := alerts.Alert{
		Change: alerts.Closed, Requester: "alice@example.com", Approvers: []string{"bob@example.com", "eve@example.com"},
		Grant: &schemas.Grant{
			ID: "grt_1", Person: schemas.Person{Key: "k", Name: "alice@example.com"}, Account: "111111111111", Role: "Admin", Source: schemas.ByMembership,
			Group: "aws#prod#Admin", Opened: observed.Add(-2 * time.Hour), Removed: observed.Add(-time.Hour), RemovedBy: &schemas.Actor{ID: "00u2", AlternateID: "bot@example.com"},
			Evidence: []string{"e1"}, Meta: schemas.Meta{Version: 8, Observed: observed},
		},
	}
	session := alerts.Alert{Change: alerts.Judged, Session: &schemas.Session{
		ID: "ses_1", Person: schemas.Person{Key: "k", Name: "alice@example.com"}, Account: "111111111111", Role: "Admin", SessionName: "alice",
		Start: observed.Add(-time.Hour), End: observed, Verdict: schemas.VerdictUnknown, MFA: schemas.MFAYes, Grant: "grt_1",
		SignOn: &schemas.SignOnRef{IP: "192.0.2.7"}, Meta: schemas.Meta{Version: 9, Observed: observed},
	}}
	v6 := session
	v6.Session = &schemas.Session{SignOn: &schemas.SignOnRef{IP: "2001:db8::7"}}
	forged := session
	forged.Session = &schemas.Session{SignOn: &schemas.SignOnRef{IP: "192.0.2.7 act=allowed"}}
	triaged := finding("no second factor = bad \\ luck")
	triaged.Link = "https://audit.example.com/f/1?a=b"
	triaged.Triage = &schemas.Triage{Status: schemas.TriageAccepted, Owner: "bob@example.com", Reason: "known"}
	for _, tt := range []struct {
		name   string
		notice *alerts.Notice
		want   string
	}{
		{"finding", notice(triaged), `CEF:0|jitaudit|jitaudit|1.2.3|no_mfa|jitaudit finding no_mfa|8|rt=1772600767089 start=1772597167089 externalId=fnd_1 cn1Label=version cn1=7 cat=finding act=opened outcome=open suser=alice@example.com suid=okta:acme/00u1 cs1Label=account cs1=111111111111 cs2Label=role cs2=Admin cs5Label=session or grant cs5=ses_1 cs6Label=evidence cs6=e1, e2 flexString2Label=triage flexString2=accepted bob@example.com: known dvchost=audit.example.com request=https://audit.example.com/f/1?a\=b msg=no second factor \= bad \\ luck`},
		{"grant", notice(granted), `CEF:0|jitaudit|jitaudit|1.2.3|grant.closed|jitaudit grant closed|1|rt=1772600767089 start=1772593567089 end=1772597167089 externalId=grt_1 cn1Label=version cn1=8 cat=grant act=closed suser=alice@example.com suid=k cs1Label=account cs1=111111111111 cs2Label=role cs2=Admin cs3Label=requester cs3=alice@example.com cs4Label=approvers cs4=bob@example.com, eve@example.com cs6Label=evidence cs6=e1 flexString1Label=changed by flexString1=bot@example.com dvchost=audit.example.com msg=alice@example.com no longer has Admin in 111111111111 by membership aws#prod#Admin`},
		{"session", notice(session), `CEF:0|jitaudit|jitaudit|1.2.3|session.judged|jitaudit session judged|1|rt=1772600767089 start=1772597167089 end=1772600767089 externalId=ses_1 cn1Label=version cn1=9 cat=session act=judged outcome=unknown suser=alice@example.com suid=k duser=alice cs1Label=account cs1=111111111111 cs2Label=role cs2=Admin cs5Label=session or grant cs5=grt_1 flexString1Label=second factor flexString1=yes src=192.0.2.7 dvchost=audit.example.com msg=alice@example.com used Admin in 111111111111; verdict unknown, second factor yes`},
		{"IPv6", notice(v6), `cat=session act=judged c6a2Label=source IPv6 address c6a2=2001:db8::7 dvchost=`},
		{"no address", notice(forged), `cat=session act=judged dvchost=`},
		{"digest", &alerts.Notice{ID: "d1", Digest: &alerts.Digest{
			Reason: alerts.TooMany, Total: 901, From: observed.Add(-time.Hour), To: observed, Counts: []alerts.Count{
				{Kind: "finding", Rule: "no_mfa", Severity: schemas.Critical, Change: alerts.Opened, N: 900}, {Kind: "session", Change: alerts.Opened, N: 1},
			},
		}}, `CEF:0|jitaudit|jitaudit|1.2.3|digest.too_many|jitaudit digest too_many|10|rt=1772600767089 start=1772597167089 end=1772600767089 cat=digest act=too_many cnt=901 dvchost=audit.example.com msg=901 alerts are not told one by one (too_many): 900 finding no_mfa critical opened, 1 session opened`},
		{"test", &alerts.Notice{ID: "t1", Test: true, Alerts: []alerts.Alert{finding("x")}}, `|no_mfa|[TEST] jitaudit finding no_mfa|8|`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			deliver(t, receiver(t, s), tt.notice)
			p := s.next(t)
			if strings.HasPrefix(tt.want, "CEF") && p.text != tt.want || !strings.Contains(p.text, tt.want) {
				t.Errorf("got  %s\nwant %s", p.text, tt.want)
			}
			if _, err := parseCEF(p.text); err != nil {
				t.Error(err)
			}
			if got := p.params["test"]; (got == "true") != tt.notice.Test {
				t.Errorf("test=%q", got)
			}
		})
	}
}

// encode makes two bodies of each alert.
func encode(n *alerts.Notice) ([][]byte, error) {
	if n.Digest != nil {
		return [][]byte{[]byte(`{"total":1}`)}, nil
	}
	body, err := json.MarshalIndent(map[string]string{"why": n.Alerts[0].Finding.Why}, "", "\t")
	return [][]byte{body, []byte(`{"more":true}`)}, err
}

func asJSON(c *Config) { c.Format, c.Encode = JSON, encode }

func TestJSONIsOneLineForEachBody(t *testing.T) {
	s := newServer(t)
	deliver(t, receiver(t, s, asJSON), notice(finding("a\nb\u2028c")))
	for i, want := range []string{`{"why":"a\nb\u2028c"}`, `{"more":true}`} {
		p := s.next(t)
		if p.text != want || p.params["part"] != strconv.Itoa(i+1) || p.params["id"] != "fnd_1.7" {
			t.Errorf("part %d: %q with %q, want %q", i+1, p.text, p.params, want)
		}
	}
}

func TestALongTextKeepsNoAlertBack(t *testing.T) {
	for _, format := range []func(*Config){asJSON, func(c *Config) { c.Format = CEF }} {
		s := newServer(t)
		r := receiver(t, s, format, func(c *Config) { c.MaxBytes = minMaxBytes })
		deliver(t, r, notice(finding(strings.Repeat("why ", 1<<18))))
		p := s.next(t)
		if p.params["rule"] != "no_mfa" || !strings.Contains(p.text, "why why") {
			t.Errorf("got %q %.300q", p.params, p.text)
		}
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		encode func(*alerts.Notice) ([][]byte, error)
		want   string
	}{
		{"error", func(*alerts.Notice) ([][]byte, error) { return nil, errors.New("why not") }, "make syslog messages of notice n1: alert fnd_1.7: why not"},
		{"no body", func(*alerts.Notice) ([][]byte, error) { return nil, nil }, "it has no body"},
		{"no JSON", func(*alerts.Notice) ([][]byte, error) { return [][]byte{[]byte("{")}, nil }, "its body is no JSON"},
		{"no object", func(*alerts.Notice) ([][]byte, error) { return [][]byte{[]byte("[1]")}, nil }, "its body is no JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			r := receiver(t, s, func(c *Config) { c.Format, c.Encode = JSON, tt.encode })
			retry, err := r.Send(t.Context(), notice(finding("x")))
			if retry || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Send = %t, %v", retry, err)
			}
			s.nothing(t)
		})
	}
}

func TestLineFeedsForThoseWhoCountNoOctets(t *testing.T) {
	s := newServer(t, func(s *server) { s.lines = true })
	r := receiver(t, s, func(c *Config) { c.Framing, c.NoBOM = LineFeed, true })
	deliver(t, r, notice(finding("a\nb"), finding("c")))
	if p := s.next(t); p.bom || !strings.HasSuffix(p.text, `msg=a\\nb`) {
		t.Errorf("%t %q", p.bom, p.text)
	}
	s.next(t)
}

func TestOneConnectionAsLongAsItLasts(t *testing.T) {
	s := newServer(t)
	r := receiver(t, s)
	for range 3 {
		deliver(t, r, notice(finding("x")))
		s.next(t)
	}
	if s.accepted != 1 {
		t.Errorf("%d connections", s.accepted)
	}
}

func TestAConnectionLostAtRestIsMadeAnew(t *testing.T) {
	s := newServer(t)
	r := receiver(t, s)
	deliver(t, r, notice(finding("1")))
	s.next(t)
	s.stop()
	<-r.conn.gone
	s.start(t, s.addr)
	deliver(t, r, notice(finding("2")))
	if p := s.next(t); !strings.HasSuffix(p.text, "msg=2") {
		t.Errorf("got %q", p.text)
	}
	s.nothing(t)
}

func TestAServerThatIsAwayIsTriedAgain(t *testing.T) {
	s := newServer(t)
	s.stop()
	r := receiver(t, s)
	fails(t, r, notice(finding("x")), "send syslog to "+s.addr+": connect: ")
	s.start(t, s.addr)
	deliver(t, r, notice(finding("x")))
	s.next(t)
}

func TestWhatAServerDoesNotReadIsNotDelivered(t *testing.T) {
	s := newServer(t, func(s *server) {
		s.handle = func(net.Conn) {} // takes it and ends it without reading
	})
	r := receiver(t, s)
	r.settle = 10 * time.Second // ends as soon as the reset has come
	fails(t, r, notice(finding("x")), "send syslog to")
	s.stop()
	s.handle = nil
	s.start(t, s.addr)
	r.settle = 20 * time.Millisecond
	deliver(t, r, notice(finding("x")))
	if p := s.next(t); p.params["id"] != "fnd_1.7" {
		t.Errorf("the repeat has id %q", p.params["id"])
	}
}

func TestARestartAfterAllWasWrittenRepeatsTheNotice(t *testing.T) {
	s := newServer(t)
	r := receiver(t, s)
	r.settle = 10 * time.Second
	failed := make(chan error, 1)
	go func() {
		_, err := r.Send(t.Context(), notice(finding("1"), finding("2")))
		failed <- err
	}()
	s.next(t)
	s.next(t)
	s.stop()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "all was written, but may not have arrived: ") {
		t.Fatalf("Send: %v", err)
	}
	s.start(t, s.addr)
	r.settle = 20 * time.Millisecond
	deliver(t, r, notice(finding("1"), finding("2")))
	for _, want := range []string{"msg=1", "msg=2"} {
		if p := s.next(t); !strings.HasSuffix(p.text, want) {
			t.Errorf("got %q, want %s", p.text, want)
		}
	}
}

func TestAResetAmidMessagesRepeatsTheNotice(t *testing.T) {
	s := newServer(t, func(s *server) {
		s.handle = func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, 100))
			_ = c.(*net.TCPConn).SetLinger(0)
		}
	})
	r := receiver(t, s)
	r.settle = 10 * time.Second
	many := make([]alerts.Alert, 1000)
	for i := range many {
		many[i] = finding("x")
	}
	fails(t, r, notice(many...), "reset")
}

func TestAServerThatStopsReadingIsGivenUp(t *testing.T) {
	done := make(chan struct{})
	s := newServer(t, func(s *server) { s.handle = func(net.Conn) { <-done } })
	t.Cleanup(func() { close(done) })
	r := receiver(t, s, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	fails(t, r, tooMuch(), "i/o timeout")
}

// tooMuch is more than the kernel takes in without a reader.
func tooMuch() *alerts.Notice {
	x := strings.Repeat("x", 4000)
	long := finding(x)
	long.Finding.Evidence, long.Finding.Account, long.Finding.Role = []string{x}, x, x
	many := make([]alerts.Alert, 1500) // 20 MB
	for i := range many {
		many[i] = long
	}
	return notice(many...)
}

func TestSendEndsWithItsContext(t *testing.T) {
	stop := errors.New("the program ends")
	for _, tt := range []struct {
		name   string
		notice *alerts.Notice
	}{{"while writing", tooMuch()}, {"while it settles", notice(finding("x"))}} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan struct{})
			s := newServer(t, func(s *server) {
				s.handle = func(c net.Conn) {
					_, _ = io.ReadFull(c, make([]byte, 100))
					cancel(stop)
					<-done
				}
			})
			t.Cleanup(func() { close(done) })
			r := receiver(t, s, func(c *Config) { c.Timeout = time.Hour })
			r.settle = time.Hour
			sent := make(chan error, 1)
			go func() {
				_, err := r.Send(ctx, tt.notice)
				sent <- err
			}()
			select {
			case err := <-sent:
				if !errors.Is(err, stop) {
					t.Errorf("Send: %v", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Send goes on")
			}
		})
	}
}

func TestTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	site := ours.issue(t, "siem.example.com")
	client, stranger := ours.issue(t, "jitaudit"), others.issue(t, "stranger")
	for _, tt := range []struct {
		name   string
		server *tls.Config
		client TLS
		want   string // empty for delivered
	}{
		{"by address", ours.serves(t, site, nil), TLS{CA: ours.pem}, ""},
		{"by name", ours.serves(t, site, nil), TLS{CA: ours.pem, ServerName: "siem.example.com"}, ""},
		{"another name", ours.serves(t, site, nil), TLS{CA: ours.pem, ServerName: "other.example.com"}, "agree on TLS: tls: failed to verify certificate"},
		{"another authority", ours.serves(t, site, nil), TLS{CA: others.pem}, "signed by unknown authority"},
		{"the system's authorities", ours.serves(t, site, nil), TLS{}, "certificate"},
		{"client certificate", ours.serves(t, site, ours), TLS{CA: ours.pem, Cert: client.cert, Key: client.key}, ""},
		{"client certificate of others", ours.serves(t, site, ours), TLS{CA: ours.pem, Cert: stranger.cert, Key: stranger.key}, "remote error: tls: "},
		{"no client certificate", ours.serves(t, site, ours), TLS{CA: ours.pem}, "remote error: tls: certificate required"},
		{"TLS 1.2", version(ours.serves(t, site, ours), tls.VersionTLS12), TLS{CA: ours.pem, Cert: client.cert, Key: client.key}, ""},
		{"TLS 1.1", version(ours.serves(t, site, nil), tls.VersionTLS11), TLS{CA: ours.pem}, "agree on TLS: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(s *server) { s.tls = tt.server })
			r := receiver(t, s, func(c *Config) { c.TLS = &tt.client })
			if tt.want == "" {
				deliver(t, r, notice(finding("1"), finding("2")))
				s.next(t)
				s.next(t)
				return
			}
			r.settle = 10 * time.Second
			fails(t, r, notice(finding("x")), tt.want)
			select {
			case err := <-s.failed:
				t.Log("the server says:", err)
			case <-time.After(10 * time.Second):
				t.Error("the server saw no failure")
			}
			s.nothing(t)
		})
	}
}

func version(c *tls.Config, v uint16) *tls.Config {
	c.MinVersion, c.MaxVersion = v, v
	return c
}

func TestConfigurationIsChecked(t *testing.T) {
	a := newAuthority(t)
	p := a.issue(t, "x")
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no port", func(c *Config) { c.Addr = "siem.example.com" }, `addr: want host:port, as siem.example.com:6514 (got "siem.example.com")`},
		{"named port", func(c *Config) { c.Addr = "siem.example.com:syslog" }, `addr: want host:port, as siem.example.com:6514 (got "siem.example.com:syslog")`},
		{"port 0", func(c *Config) { c.Addr = "siem.example.com:0" }, `addr: want host:port, as siem.example.com:6514 (got "siem.example.com:0")`},
		{"no host", func(c *Config) { c.Addr = ":514" }, `addr: want host:port, as siem.example.com:6514 (got ":514")`},
		{"framing", func(c *Config) { c.Framing = "x" }, `framing: want octet_counting or line_feed (got "x")`},
		{"framing with TLS", func(c *Config) { c.Framing, c.TLS = LineFeed, &TLS{} }, `framing: with TLS want octet_counting, as RFC 5425 has it (got "line_feed")`},
		{"format", func(c *Config) { c.Format = "leef" }, `format: want cef or json (got "leef")`},
		{"no encoder", func(c *Config) { c.Format = JSON }, "syslog: nothing makes the messages' JSON"},
		{"facility", func(c *Config) { c.Facility = "local8" }, fmt.Sprintf(`facility: want one of %q (got "local8")`, facilities())},
		{"hostname", func(c *Config) { c.Hostname = "a b" }, `hostname: want no more than 255 bytes of ASCII without spaces (got "a b")`},
		{"app name", func(c *Config) { c.AppName = strings.Repeat("a", 49) }, `app_name: want no more than 48 bytes of ASCII without spaces (got "` + strings.Repeat("a", 49) + `")`},
		{"max bytes", func(c *Config) { c.MaxBytes = 480 }, "max_bytes: want 8192 to 1048576 (got 480)"},
		{"timeout", func(c *Config) { c.Timeout = -1 }, "timeout: want more than 0 (got -1ns)"},
		{"CA", func(c *Config) { c.TLS = &TLS{CA: []byte("x")} }, "tls.ca_file: it holds no certificate in PEM"},
		{"certificate alone", func(c *Config) { c.TLS = &TLS{Cert: p.cert} }, "tls: cert_file and key_file belong together"},
		{"certificate that is none", func(c *Config) { c.TLS = &TLS{Cert: []byte("x"), Key: p.key} }, "tls.cert_file: tls: failed to find any PEM data in certificate input"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{Addr: "siem.example.com:6514"}
			tt.change(&cfg)
			if _, err := New(cfg); err == nil || err.Error() != tt.want {
				t.Errorf("New: %v\nwant %s", err, tt.want)
			}
		})
	}
}
