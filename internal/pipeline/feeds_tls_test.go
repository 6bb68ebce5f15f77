package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/internal/config"
)

// nothing is a log that takes all.
type nothing struct{}

func (nothing) Append(context.Context, string, []ingest.Message) error { return nil }
func (nothing) Checkpoint(context.Context, string) ([]byte, error)     { return nil, nil }
func (nothing) SetCheckpoint(context.Context, string, []byte) error    { return nil }

func TestApprovalsAreReceivedByTLS(t *testing.T) {
	other := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is as good as any
	defer other.Close()
	pair := other.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := config.ApprovalsTLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	for file, block := range map[string]*pem.Block{files.CertFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, files.KeyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said strings.Builder
	r := &runner{
		Options: Options{Log: slog.New(slog.NewTextHandler(&said, nil)), Now: time.Now}, ingest: ingest.NewMetrics(prometheus.NewRegistry()),
		cfg: &config.Config{Approvals: config.Approvals{Addr: "127.0.0.1:0", TLS: files, MaxBody: 1 << 20, Feeds: []config.ApprovalFeed{{Feed: "tickets", Token: config.NewSecret(feedToken)}}}},
	}
	if err := r.listenForApprovals(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.parts.close() }()
	feeds, err := r.receiver(nothing{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- feeds.Serve(ctx, r.approvals) }()

	pool := x509.NewCertPool()
	pool.AddCert(other.Certificate())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
	const record = `{"request":"OPS-1","grantee":"ada@example.com","decision":"approved","decided_at":"2026-05-04T08:14:40Z","resource":{"group":"AWS-prod-Admin"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+r.parts.approvals+"/approvals", strings.NewReader(record))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+feedToken)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if said.String() != "" {
		t.Errorf("it says %s", &said)
	}
}

func TestApprovalsThatComeUnencryptedAreWarnedOf(t *testing.T) {
	for addr, warned := range map[string]bool{"127.0.0.1:0": false, ":0": true} {
		var said strings.Builder
		r := &runner{
			Options: Options{Log: slog.New(slog.NewTextHandler(&said, nil))},
			cfg:     &config.Config{Approvals: config.Approvals{Addr: addr}},
		}
		if err := r.listenForApprovals(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.parts.close(); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(said.String(), "approvals are received unencrypted"); got != warned {
			t.Errorf("%s: %q", addr, &said)
		}
	}
}
