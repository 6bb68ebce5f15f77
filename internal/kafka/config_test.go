package kafka

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigSaysWhatIsWrong(t *testing.T) {
	good := []string{"kafka.example.com:9092"}
	tests := []struct {
		name string
		cfg  Config
		want string // in the error; empty: none
	}{
		{"least", Config{Brokers: good}, ""},
		{"all", Config{Brokers: []string{"127.0.0.1:9092", "[::1]:9093"}, Prefix: "audit_1-", TLS: TLS{Enabled: true, CAFile: "ca", CertFile: "c", KeyFile: "k"},
			SASL: SASL{Plain, "ada", "pw"}, Partitions: 1, Replication: 3}, ""},
		{"no broker", Config{}, "brokers: none given"},
		{"no port", Config{Brokers: []string{"kafka.example.com"}}, `brokers: want host:port (got "kafka.example.com")`},
		{"no host", Config{Brokers: []string{":9092"}}, "brokers: want host:port"},
		{"port too high", Config{Brokers: []string{"kafka.example.com:99999"}}, "want a port between 1 and 65535"},
		{"prefix", Config{Brokers: good, Prefix: "a/b"}, `prefix: Kafka allows only letters`},
		{"long prefix", Config{Brokers: good, Prefix: strings.Repeat("a", 200)}, "prefix: at most"},
		{"partitions", Config{Brokers: good, Partitions: -1}, "partitions: between 1 and 10000 (got -1)"},
		{"replication", Config{Brokers: good, Replication: -1}, "replication: "},
		{"TLS by half", Config{Brokers: good, TLS: TLS{CAFile: "ca"}}, "tls: files or a name are given, but it is not enabled"},
		{"certificate without key", Config{Brokers: good, TLS: TLS{Enabled: true, CertFile: "c"}}, "tls: the certificate and its key belong together"},
		{"mechanism", Config{Brokers: good, SASL: SASL{"GSSAPI", "ada", "pw"}}, `sasl: mechanism: want one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (got "GSSAPI")`},
		{"no mechanism", Config{Brokers: good, SASL: SASL{"", "ada", "pw"}}, "sasl: a user or password is given, but no mechanism"},
		{"no password", Config{Brokers: good, SASL: SASL{ScramSHA256, "ada", ""}}, "sasl: SCRAM-SHA-256 needs a user and a password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.cfg.Validate()
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "pw") {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestTLSTrustsTheConfiguredCA(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "https://")
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	tests := []struct {
		name string
		tls  TLS
		want string
	}{
		{"right", TLS{Enabled: true, CAFile: ca}, ""},
		{"under another name", TLS{Enabled: true, CAFile: ca, ServerName: "example.com"}, ""},
		{"wrong name", TLS{Enabled: true, CAFile: ca, ServerName: "example.org"}, "not example.org"},
		{"unknown CA", TLS{Enabled: true}, "who signed its certificate"},
		{"no CA in the file", TLS{Enabled: true, CAFile: file("junk.pem", []byte("junk"))}, "no certificate in"},
		{"no such file", TLS{Enabled: true, CAFile: filepath.Join(dir, "none")}, "read the CA of Kafka's brokers"},
		{"no such certificate", TLS{Enabled: true, CAFile: ca, CertFile: "none", KeyFile: "none"}, "read our certificate for Kafka"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := connector{tls: tt.tls}.dial(t.Context(), "tcp", address)
			if err == nil {
				conn.Close()
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
