package config

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Alerts is who is told of what.
type Alerts struct {
	// MaxAge is how old an event may be to be told of by itself; older ones are
	// summed up.
	MaxAge time.Duration
	// DigestWait is how long nothing may have been added to a digest of old alerts
	// before it is told.
	DigestWait time.Duration
	// Link is where people find a record, with {id} for its id; empty for nowhere.
	Link      string
	Receivers []AlertReceiver
}

// AlertReceiver is one place that is told. One of its last six sections says where.
type AlertReceiver struct {
	// Name is part of a consumer group and of keys of the sent log: under another
	// one everything is told anew.
	Name string
	// Kinds are of findings, grants and sessions.
	Kinds []string
	// Match are what it is told of, any of them; none: everything. Except are what it
	// is not.
	Match, Except []AlertMatch
	GroupBy       []string
	GroupWait     time.Duration
	GroupInterval time.Duration
	// MaxAlerts is how many are told one by one at once, Rate how many notices a
	// minute; 0: any number.
	MaxAlerts, Rate int

	Webhook WebhookReceiver
	File    FileReceiver
	Topic   TopicReceiver
	Splunk  SplunkReceiver
	Syslog  SyslogReceiver
	Slack   SlackReceiver
}

// AlertMatch holds for what fits all that it names.
type AlertMatch struct {
	Kinds    []string
	Rules    []string
	Severity string // and those above; empty: any
	Accounts []string
	Persons  []string
}

// ReceiverTLS is how a server is known, and who we are to it. Files are PEM.
type ReceiverTLS struct {
	CAFile string
}

// WebhookReceiver is a URL to which OCSF events are posted.
type WebhookReceiver struct {
	URL        string
	HMACSecret Secret
	Token      Secret
	Format     string
	MaxBytes   int64
	Timeout    time.Duration
	TLS        ReceiverTLS
}

// FileReceiver is a file that OCSF events are appended to.
type FileReceiver struct {
	Path     string
	MaxBytes int64
	MaxAge   time.Duration
	Keep     int
	Gzip     bool
}

// TopicReceiver is a topic of another name in the cluster of kafka.brokers.
type TopicReceiver struct {
	Topic string
}

// SplunkReceiver is an HTTP Event Collector.
type SplunkReceiver struct {
	URL        string
	Token      Secret
	Index      string
	Source     string
	SourceType string
	Host       string
	Ack        bool
	AckTimeout time.Duration
	MaxBytes   int64
	Timeout    time.Duration
	TLS        ReceiverTLS
}

// SyslogReceiver is a syslog server.
type SyslogReceiver struct {
	Addr       string
	TLS        SyslogTLS
	Framing    string
	Format     string
	Facility   string
	Hostname   string
	AppName    string
	Enterprise int
	BOM        bool
	MaxBytes   int64
	Timeout    time.Duration
}

// SyslogTLS is how connections to the server are encrypted; files are PEM.
type SyslogTLS struct {
	Enabled           bool
	CAFile            string
	CertFile, KeyFile string
	ServerName        string
}

// SlackReceiver is a workspace.
type SlackReceiver struct {
	Token    Secret
	Channel  string
	Channels SlackChannels
	Direct   bool
	URL      string
	Timeout  time.Duration
	TLS      ReceiverTLS
}

// SlackChannels are those for findings of a severity.
type SlackChannels struct {
	Critical, High, Medium, Low, Info string
}

func defaultAlerts() Alerts { return Alerts{MaxAge: day, DigestWait: time.Minute} }

const (
	defaultReceiverTimeout = 10 * time.Second
	defaultMaxAlerts       = 100
)

// alertKinds are the kinds of records that are told of.
func alertKinds() []string { return []string{"findings", "grants", "sessions"} }

func defaultReceiver() AlertReceiver {
	return AlertReceiver{
		Kinds: []string{alertKinds()[0]}, MaxAlerts: defaultMaxAlerts,
		Webhook: WebhookReceiver{Format: "json", MaxBytes: 1 << 20, Timeout: defaultReceiverTimeout},
		File:    FileReceiver{MaxBytes: 100 << 20, MaxAge: day, Keep: 10},
		Splunk:  SplunkReceiver{Source: "jitaudit", SourceType: "jitaudit:ocsf", AckTimeout: 2 * time.Minute, MaxBytes: 1_000_000, Timeout: defaultReceiverTimeout},
		Syslog:  SyslogReceiver{Framing: "octet_counting", Format: "cef", Facility: "local0", AppName: "jitaudit", Enterprise: 32473, BOM: true, MaxBytes: 64 << 10, Timeout: defaultReceiverTimeout},
		Slack:   SlackReceiver{URL: "https://slack.com/api", Timeout: defaultReceiverTimeout},
	}
}

func (a *Alerts) fields() []field {
	return []field{
		duration("max_age", &a.MaxAge, span{least: time.Minute, most: 90 * day}),
		duration("digest_wait", &a.DigestWait, span{least: time.Second, most: time.Hour}),
		text("link", &a.Link, linkURL),
		sections("receivers", &a.Receivers, defaultReceiver, (*AlertReceiver).fields),
	}
}

func (r *AlertReceiver) fields() []field {
	return []field{
		text("name", &r.Name, receiverName),
		words("kinds", &r.Kinds, alertKinds()...),
		sections("match", &r.Match, func() AlertMatch { return AlertMatch{} }, (*AlertMatch).fields),
		sections("except", &r.Except, func() AlertMatch { return AlertMatch{} }, (*AlertMatch).fields),
		words("group_by", &r.GroupBy, "rule", "account", "role", "person", "severity", "session"),
		duration("group_wait", &r.GroupWait, span{most: time.Hour}),
		duration("group_interval", &r.GroupInterval, span{most: day}),
		integer("max_alerts", &r.MaxAlerts, 1, 1000),
		integer("rate", &r.Rate, 0, 60_000),
		r.place("webhook", r.Webhook.fields()),
		r.place("file", r.File.fields()),
		r.place("topic", []field{text("topic", &r.Topic.Topic, topicName)}),
		r.place("splunk", r.Splunk.fields()),
		r.place("syslog", r.Syslog.fields()),
		r.place("slack", r.Slack.fields()),
	}
}

// place is a section that says where a receiver is; the others are not written.
func (r *AlertReceiver) place(key string, fields []field) field {
	f := section(key, fields)
	write := f.write
	f.write = func(w *writer, path string) *yaml.Node {
		if !slices.Contains(r.Where(), key) {
			return nil
		}
		return write(w, path)
	}
	return f
}

// words is a list of some of a few words.
func words(key string, to *[]string, known ...string) field {
	return texts(key, to, func(s string) error {
		if !slices.Contains(known, s) {
			return errors.New("is unknown" + suggestion(s, known))
		}
		return nil
	})
}

func (m *AlertMatch) fields() []field {
	return []field{
		words("kinds", &m.Kinds, alertKinds()...),
		texts("rules", &m.Rules, ruleName),
		choice("severity", &m.Severity, "info", "low", "medium", "high", "critical"),
		texts("accounts", &m.Accounts, accountID),
		texts("persons", &m.Persons, nil),
	}
}

func (t *ReceiverTLS) fields() []field { return []field{path("ca_file", &t.CAFile)} }

func timeout(to *time.Duration) field {
	return duration("timeout", to, span{least: time.Second, most: 5 * time.Minute})
}

func (w *WebhookReceiver) fields() []field {
	fields := append([]field{text("url", &w.URL, receiverURL)}, secret("hmac_secret", &w.HMACSecret)...)
	fields = append(fields, secret("token", &w.Token)...)
	return append(fields,
		choice("format", &w.Format, "json", "ndjson"),
		size("max_bytes", &w.MaxBytes, 1<<20, 100<<20),
		timeout(&w.Timeout),
		section("tls", w.TLS.fields()),
	)
}

func (f *FileReceiver) fields() []field {
	return []field{
		path("path", &f.Path),
		size("max_bytes", &f.MaxBytes, 1<<20, 1<<40),
		duration("max_age", &f.MaxAge, span{least: time.Minute, most: 366 * day}),
		integer("keep", &f.Keep, 1, 100_000),
		boolean("gzip", &f.Gzip),
	}
}

func (s *SplunkReceiver) fields() []field {
	fields := append([]field{text("url", &s.URL, receiverURL)}, secret("token", &s.Token)...)
	return append(fields,
		text("index", &s.Index, nil),
		text("source", &s.Source, nil),
		text("sourcetype", &s.SourceType, nil),
		text("host", &s.Host, nil),
		boolean("ack", &s.Ack),
		duration("ack_timeout", &s.AckTimeout, span{least: time.Second, most: time.Hour}),
		size("max_bytes", &s.MaxBytes, 16<<10, 100<<20),
		timeout(&s.Timeout),
		section("tls", s.TLS.fields()),
	)
}

func (s *SyslogReceiver) fields() []field {
	return []field{
		text("addr", &s.Addr, serverAddr),
		section("tls", []field{
			boolean("enabled", &s.TLS.Enabled),
			path("ca_file", &s.TLS.CAFile),
			path("cert_file", &s.TLS.CertFile),
			path("key_file", &s.TLS.KeyFile),
			text("server_name", &s.TLS.ServerName, nil),
		}),
		choice("framing", &s.Framing, "octet_counting", "line_feed"),
		choice("format", &s.Format, "cef", "json"),
		text("facility", &s.Facility, nil),
		text("hostname", &s.Hostname, nil),
		text("app_name", &s.AppName, nil),
		integer("enterprise", &s.Enterprise, 1, 1<<31-1),
		boolean("bom", &s.BOM),
		size("max_bytes", &s.MaxBytes, 8<<10, 1<<20),
		timeout(&s.Timeout),
	}
}

func (s *SlackReceiver) fields() []field {
	fields := append(secret("token", &s.Token),
		text("channel", &s.Channel, nil),
		section("channels", []field{
			text("critical", &s.Channels.Critical, nil),
			text("high", &s.Channels.High, nil),
			text("medium", &s.Channels.Medium, nil),
			text("low", &s.Channels.Low, nil),
			text("info", &s.Channels.Info, nil),
		}),
		boolean("direct", &s.Direct),
		text("url", &s.URL, receiverURL),
		timeout(&s.Timeout),
	)
	return append(fields, section("tls", s.TLS.fields()))
}

// receiverName checks what becomes part of a consumer group and of keys.
func receiverName(s string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`).MatchString(s) {
		return errors.New("is no name for a receiver: lower case letters, digits, _ and -, 63 at most")
	}
	return nil
}

func ruleName(s string) error {
	if !regexp.MustCompile(`^[a-z_]{1,64}$`).MatchString(s) {
		return errors.New("is no name of a rule: see docs/rules.md")
	}
	return nil
}

// receiverURL checks where alerts are posted; a path is allowed.
func receiverURL(s string) error {
	scheme, rest, _ := strings.Cut(s, "://")
	server, _, _ := strings.Cut(rest, "/")
	if _, err := url.Parse(s); err != nil || strings.ContainsAny(rest, "#") {
		return errors.New("is no URL: write https://host/path")
	}
	return safeURL(scheme + "://" + server)
}

func serverAddr(s string) error {
	if err := hostPort(s); err != nil {
		return errors.New("is no address: write host:port")
	}
	return nil
}

// linkURL checks where people are sent: a web page, with a place for the id.
func linkURL(s string) error {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return errors.New("is no web page: write https://…, with {id} where the id of the record goes")
	}
	return nil
}

// Where are the sections of a receiver that say where it is, as the file names them.
func (r *AlertReceiver) Where() (out []string) {
	for _, s := range []struct {
		name  string
		given bool
	}{
		{"webhook", r.Webhook.URL != ""}, {"file", r.File.Path != ""}, {"topic", r.Topic.Topic != ""},
		{"splunk", r.Splunk.URL != ""}, {"syslog", r.Syslog.Addr != ""}, {"slack", !r.Slack.Token.IsZero()},
	} {
		if s.given {
			out = append(out, s.name)
		}
	}
	return out
}

func (k *checker) alerts() {
	for i := range k.c.Alerts.Receivers {
		k.receiver(i)
	}
}

func (k *checker) receiver(i int) {
	r, at := &k.c.Alerts.Receivers[i], index("alerts.receivers", i)
	if r.Name == "" {
		k.missing(at+".name", "such as soc")
	}
	for j := range k.c.Alerts.Receivers[:i] {
		if r.Name != "" && r.Name == k.c.Alerts.Receivers[j].Name {
			k.errorf(at+".name", "it is the name of %s already", index("alerts.receivers", j))
		}
	}
	switch where := r.Where(); {
	case len(where) == 0:
		k.errorf(at, "nothing says where it is: give webhook.url, file.path, topic.topic, splunk.url, syslog.addr or slack.token")
	case len(where) > 1:
		k.errorf(at, "%s: one receiver is one place; give each its own", strings.Join(where, " and "))
	}
	switch {
	case r.Webhook.URL != "" && r.Webhook.HMACSecret.IsZero():
		k.missing(at+".webhook.hmac_secret", "without a signature anybody could post there what looks like ours")
	case len(r.Webhook.HMACSecret.Reveal()) < leastSecret && r.Webhook.URL != "":
		k.errorf(at+".webhook.hmac_secret", "it has fewer than %d characters and could be guessed", leastSecret)
	case r.Splunk.URL != "" && r.Splunk.Token.IsZero():
		k.missing(at+".splunk.token", "that of the HEC input, or token_file")
	case !r.Slack.Token.IsZero() && r.Slack.Channel == "":
		k.missing(at+".slack.channel", "the id of a channel, such as C0123456789")
	case r.Topic.Topic != "" && strings.HasPrefix(r.Topic.Topic, k.c.Kafka.Prefix):
		k.errorf(at+".topic.topic", "it begins with kafka.prefix and so is one of jitaudit's own")
	}
	if t := &r.Syslog.TLS; !t.Enabled && t.CAFile+t.CertFile+t.KeyFile+t.ServerName != "" {
		k.errorf(at+".syslog.tls", "files are given, but enabled is not true")
	} else if (t.CertFile == "") != (t.KeyFile == "") {
		k.errorf(at+".syslog.tls", "cert_file and key_file belong together")
	}
}
