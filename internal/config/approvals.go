package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Approvals is how decisions of tools are taken in that Okta does not log.
type Approvals struct {
	// Addr is where feeds are received by HTTP, host:port; empty: they are not.
	Addr string
	TLS  ApprovalsTLS
	// MaxBody bounds a request, in bytes.
	MaxBody int64
	Feeds   []ApprovalFeed
}

// ApprovalsTLS is who we are to those who send; PEM, both or neither. Without, the
// listener is unencrypted.
type ApprovalsTLS struct {
	CertFile, KeyFile string
}

// ApprovalFeed is one feed: by HTTP, where it has a token or a secret, by a topic,
// or both.
type ApprovalFeed struct {
	// Feed is its name in shards.
	Feed string
	// Token is the bearer token that requests must carry, HMACSecret what they must
	// be signed with; where both are given, both.
	Token      Secret
	HMACSecret Secret
	// Topic is one of another system in the cluster of kafka.brokers, by its full
	// name.
	Topic string
}

// Received reports whether the feed comes by HTTP.
func (f *ApprovalFeed) Received() bool { return !f.Token.IsZero() || !f.HMACSecret.IsZero() }

func defaultApprovals() Approvals { return Approvals{MaxBody: 1 << 20} }

func (a *Approvals) fields() []field {
	return []field{
		text("addr", &a.Addr, listenAddr),
		section("tls", []field{
			path("cert_file", &a.TLS.CertFile),
			path("key_file", &a.TLS.KeyFile),
		}),
		size("max_body", &a.MaxBody, 1<<10, 16<<20),
		sections("feeds", &a.Feeds, func() ApprovalFeed { return ApprovalFeed{} }, (*ApprovalFeed).fields),
	}
}

func (f *ApprovalFeed) fields() []field {
	fields := []field{text("feed", &f.Feed, feedName)}
	fields = append(fields, secret("token", &f.Token)...)
	fields = append(fields, secret("hmac_secret", &f.HMACSecret)...)
	return append(fields, text("topic", &f.Topic, topicName))
}

// feedName checks what becomes part of a shard's name, a path and a consumer group.
func feedName(s string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`).MatchString(s) {
		return errors.New("is no name for a feed: lower case letters, digits, _ and -, 63 at most")
	}
	return nil
}

// topicName checks what a topic may be named (Kafka: Topic.validate).
func topicName(s string) error {
	if !regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`).MatchString(s) || s == "." || s == ".." {
		return errors.New("is no name of a Kafka topic: letters, digits, dot, _ and -, 249 at most")
	}
	return nil
}

// leastSecret is how short a token or secret of a feed may be, in characters:
// whoever guesses it approves what they like.
const leastSecret = 16

func (k *checker) approvals() {
	a := &k.c.Approvals
	received := slices.ContainsFunc(a.Feeds, func(f ApprovalFeed) bool { return f.Received() })
	switch {
	case received && a.Addr == "":
		k.missing("approvals.addr", "where feeds with a token or hmac_secret are received, such as 127.0.0.1:9465")
	case !received && a.Addr != "":
		k.missing("approvals.feeds", "nothing is received at approvals.addr without one that has a token or hmac_secret")
	}
	if (a.TLS.CertFile == "") != (a.TLS.KeyFile == "") {
		k.errorf("approvals.tls", "cert_file and key_file belong together")
	}
	for i := range a.Feeds {
		k.feed(i)
	}
}

func (k *checker) feed(i int) {
	f, at := &k.c.Approvals.Feeds[i], index("approvals.feeds", i)
	if f.Feed == "" {
		k.missing(at+".feed", "a name, such as tickets")
	}
	if !f.Received() && f.Topic == "" {
		k.errorf(at, "nothing says how it comes: token, hmac_secret or topic is missing")
	}
	long := func(key string, s Secret) {
		if !s.IsZero() && len(s.Reveal()) < leastSecret {
			k.errorf(at+"."+key, "it has fewer than %d characters and could be guessed", leastSecret)
		}
	}
	long("token", f.Token)
	long("hmac_secret", f.HMACSecret)
	if f.Topic != "" && strings.HasPrefix(f.Topic, k.c.Kafka.Prefix) {
		k.errorf(at+".topic", "it begins with kafka.prefix and so is one of jitaudit's own")
	}
	for j := range k.c.Approvals.Feeds[:i] {
		other := &k.c.Approvals.Feeds[j]
		if f.Feed != "" && f.Feed == other.Feed {
			k.errorf(at+".feed", "it is the name of %s already", index("approvals.feeds", j))
		}
		if f.Topic != "" && f.Topic == other.Topic {
			k.errorf(at+".topic", "it is the topic of %s already", index("approvals.feeds", j))
		}
	}
}
