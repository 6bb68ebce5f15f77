package config

import (
	"fmt"
	"net"
)

// checker gathers what is wrong between the keys of a configuration.
type checker struct {
	c    *Config
	errs []*Error
}

// errorf reports an error at a key; it begins with the key's path.
func (k *checker) errorf(path, format string, args ...any) {
	k.errs = append(k.errs, &Error{File: k.c.file, Line: k.c.line(path), Msg: path + ": " + fmt.Sprintf(format, args...)})
}

// missing reports a key that is not there.
func (k *checker) missing(path, why string, args ...any) {
	k.errs = append(k.errs, &Error{File: k.c.file, Line: k.c.line(path), Msg: path + " is missing: " + fmt.Sprintf(why, args...)})
}

// contradictions are the errors that no key has by itself.
func (c *Config) contradictions() []*Error {
	k := &checker{c: c}
	k.kafka()
	k.clickHouse()
	for i := range c.Okta {
		k.okta(i)
	}
	k.aws()
	k.approvals()
	k.alerts()
	k.ports()
	return k.errs
}

func (k *checker) kafka() {
	kafka := &k.c.Kafka
	tls, sasl := &kafka.TLS, &kafka.SASL
	if kafka.Embedded() {
		if kafka.Replication > 1 {
			k.errorf("kafka.replication", "the embedded broker is one and keeps one copy; give kafka.brokers for more")
		}
		if tls.Enabled || sasl.Mechanism != "" {
			k.errorf("kafka", "tls and sasl are for kafka.brokers; the embedded broker has neither")
		}
	}
	if !tls.Enabled && tls.CAFile+tls.CertFile+tls.KeyFile != "" {
		k.errorf("kafka.tls", "files are given, but enabled is not true")
	}
	if (tls.CertFile == "") != (tls.KeyFile == "") {
		k.errorf("kafka.tls", "cert_file and key_file belong together")
	}
	switch {
	case sasl.Mechanism == "" && (sasl.User != "" || !sasl.Password.IsZero()):
		k.missing("kafka.sasl.mechanism", "user and password need one of %s, %s, %s", SASLPlain, SASLSHA256, SASLSHA512)
	case sasl.Mechanism != "" && (sasl.User == "" || sasl.Password.IsZero()):
		k.errorf("kafka.sasl", "%s needs user and password or password_file", sasl.Mechanism)
	}
	if sasl.Mechanism == SASLPlain && !tls.Enabled {
		k.errorf("kafka.sasl.mechanism", "plain sends the password for all to read: enable kafka.tls or take %s", SASLSHA512)
	}
}

func (k *checker) clickHouse() {
	c := &k.c.ClickHouse
	if c.Embedded() && (c.User != "" || !c.Password.IsZero()) {
		k.errorf("clickhouse", "user and password are for clickhouse.url; the embedded engine has neither")
	}
	if c.Embedded() && c.Cluster != "" {
		k.errorf("clickhouse.cluster", "clusters are for clickhouse.url; the embedded engine is one")
	}
	if !c.Password.IsZero() && c.User == "" {
		k.missing("clickhouse.user", "there is a password")
	}
	if c.TLS.CAFile != "" && !encrypted(c.URL) {
		k.errorf("clickhouse.tls.ca_file", "clickhouse.url is not https://…")
	}
}

func (k *checker) okta(i int) {
	o, at := &k.c.Okta[i], index("okta", i)
	if o.Org == "" {
		k.missing(at+".org", "the name that the policy gives it (okta_org)")
	}
	if o.URL == "" {
		k.missing(at+".url", "such as https://example.okta.com")
	}
	for j := range k.c.Okta[:i] {
		if other := &k.c.Okta[j]; o.Org != "" && other.Org == o.Org {
			k.errorf(at+".org", "it is the name of %s already", index("okta", j))
		}
	}
	app := o.ClientID != "" || !o.PrivateKey.IsZero()
	switch {
	case o.Token.IsZero() && !app:
		k.missing(at+".token", "give token, token_file, or client_id with private_key_file")
	case !o.Token.IsZero() && app:
		k.errorf(at, "both a token and a service app are given: leave out token or client_id with its private_key")
	case !app && o.KeyID != "":
		k.missing(at+".client_id", "key_id is for the key of a service app")
	case app && (o.ClientID == "" || o.PrivateKey.IsZero()):
		k.errorf(at, "client_id and private_key or private_key_file belong together")
	}
	for j := range o.Holes {
		k.hole(index(at+".holes", j), &o.Holes[j])
	}
}

func (k *checker) hole(at string, h *Hole) {
	if h.From.IsZero() || h.To.IsZero() || h.Reason == "" {
		k.errorf(at, "a hole needs from, to and reason")
	} else if !h.From.Before(h.To) {
		k.errorf(at, "to is not after from")
	}
}

func (k *checker) aws() {
	a := &k.c.AWS
	first := map[string]int{}
	for i := range a.Accounts {
		k.account(i, first)
	}
	if (a.AccessKeyID == "") != a.SecretAccessKey.IsZero() {
		k.errorf("aws", "access_key_id and secret_access_key or secret_access_key_file belong together")
	}
	if a.AccessKeyID != "" && a.Profile != "" {
		k.errorf("aws.profile", "access_key_id is given too: leave one of both out")
	}
	if len(a.Accounts) == 0 && (len(a.Holes) > 0 || len(a.IdentityStore) == 0 && a.Profile+a.AccessKeyID != "") {
		k.missing("aws.accounts", "nothing is read without any")
	}
	for i := range a.Holes {
		at := index("aws.holes", i)
		k.hole(at, &a.Holes[i].Hole)
		if account := a.Holes[i].Account; account != "" && len(first) > 0 {
			if _, ok := first[account]; !ok {
				k.errorf(at+".account", "it is none of aws.accounts")
			}
		}
	}
	for i := range a.IdentityStore {
		k.identityStore(i)
	}
}

func (k *checker) account(i int, first map[string]int) {
	account, at := &k.c.AWS.Accounts[i], index("aws.accounts", i)
	if account.Account == "" {
		k.missing(at+".account", "12 digits")
		return
	}
	if j, ok := first[account.Account]; ok {
		k.errorf(at+".account", "it is the account of %s already", index("aws.accounts", j))
	} else {
		first[account.Account] = i
	}
	if arn := account.RoleARN; arn != "" && accountOf(arn) != account.Account {
		k.errorf(at+".role_arn", "the role is one of another account")
	}
	if account.ExternalID != "" && account.RoleARN == "" {
		k.missing(at+".role_arn", "external_id is for a role to assume")
	}
}

// identityStore checks a store against the others.
func (k *checker) identityStore(i int) {
	s, at := &k.c.AWS.IdentityStore[i], index("aws.identity_store", i)
	if s.ID == "" {
		k.missing(at+".id", "such as d-1234567890")
	}
	if s.Region == "" {
		k.missing(at+".region", "that of IAM Identity Center")
	}
	switch {
	case s.Account == "" && s.RoleARN == "":
		k.missing(at+".account", "that of IAM Identity Center; with role_arn it follows from it")
	case s.Account != "" && s.RoleARN != "" && accountOf(s.RoleARN) != s.Account:
		k.errorf(at+".role_arn", "the role is one of another account")
	}
	if s.ExternalID != "" && s.RoleARN == "" {
		k.missing(at+".role_arn", "external_id is for a role to assume")
	}
	for j := range k.c.AWS.IdentityStore[:i] {
		if s.ID != "" && k.c.AWS.IdentityStore[j].ID == s.ID {
			k.errorf(at+".id", "it is the store of %s already", index("aws.identity_store", j))
		}
	}
}

// ports finds two parts of the process that want one port.
func (k *checker) ports() {
	taken := map[string]string{}
	claim := func(path, addr string) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil || port == "0" {
			return
		}
		if other := taken[port]; other != "" {
			k.errorf(path, "the port is that of %s already", other)
		}
		taken[port] = path
	}
	claim("http.addr", k.c.HTTP.Addr)
	claim("approvals.addr", k.c.Approvals.Addr)
	if k.c.Kafka.Embedded() {
		claim("kafka.embedded.addr", k.c.Kafka.EmbeddedBroker.Addr)
	}
	if k.c.ClickHouse.Embedded() {
		claim("clickhouse.embedded.addr", k.c.ClickHouse.EmbeddedEngine.Addr)
	}
}
