package organisation

import (
	"math/rand/v2"
	"time"
)

// trail logs a CloudTrail event of the account and region and returns its id.
func (s *scene) trail(accountID, region string, at time.Time, b body) string {
	shard := s.g.trailShard(accountID, region)
	ev := Event{At: at.Truncate(time.Second), Shard: shard, id: newUUID(s.r), body: b}
	ev.Seen = ev.At.Add(deliveryDelay(s.r))
	s.g.trail = append(s.g.trail, ev)
	return ev.ID()
}

// deliveryDelay is about five minutes and at times a quarter of an hour, so that
// some events come in a later file than their neighbours.
func deliveryDelay(r *rand.Rand) time.Duration {
	if chance(r, 4) {
		return between(r, 8*time.Minute, 18*time.Minute)
	}
	return between(r, 2*time.Minute, 6*time.Minute)
}

func encodeHead(e *enc, ev *Event, source, name, region, ip, agent string) {
	e.time("eventTime", ev.At, trailTime)
	e.str("eventSource", source)
	e.str("eventName", name)
	e.str("awsRegion", region)
	e.str("sourceIPAddress", ip)
	e.str("userAgent", agent)
}

func encodeTail(e *enc, accountID, kind, host string) {
	e.str("eventType", kind)
	e.bool("managementEvent", true)
	e.str("recipientAccountId", accountID)
	e.str("eventCategory", "Management")
	if host != "" {
		e.open("tlsDetails")
		e.str("tlsVersion", "TLSv1.3")
		e.str("cipherSuite", "TLS_AES_128_GCM_SHA256")
		e.str("clientProvidedHostHeader", host)
		e.close()
	}
}

// action is an AWS API call that people make.
type action struct {
	source, name string
	readOnly     bool
	request      string // JSON
	response     string // JSON
}

func actions() []action {
	return []action{
		{"sts", "GetCallerIdentity", true, "null", "null"},
		{"ec2", "DescribeInstances", true, `{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}}`, "null"},
		{"ec2", "DescribeSecurityGroups", true, `{"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{}}`, "null"},
		{"ec2", "StopInstances", false, `{"instancesSet":{"items":[{"instanceId":"i-0a1b2c3d4e5f60718"}]},"force":false}`, `{"requestId":"59dbff89-35bd-4eac-99ed-be587EXAMPLE","instancesSet":{"items":[{"instanceId":"i-0a1b2c3d4e5f60718","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}`},
		{"s3", "ListBuckets", true, `{"Host":"s3.amazonaws.com"}`, "null"},
		{"s3", "GetBucketPolicy", true, `{"bucketName":"example-reports","Host":"example-reports.s3.amazonaws.com","policy":""}`, "null"},
		{"iam", "ListRoles", true, `{"maxItems":100}`, "null"},
		{"iam", "GetRole", true, `{"roleName":"app-runtime"}`, "null"},
		{"logs", "StartQuery", true, `{"logGroupName":"/app/orders","queryString":"HIDDEN_DUE_TO_SECURITY_REASONS","startTime":1,"endTime":2}`, `{"queryId":"5a9d3a0e-2f6e-4a4e-8f6c-0c1f2e3d4b5a"}`},
		{"monitoring", "DescribeAlarms", true, `{"maxRecords":100,"alarmTypes":["MetricAlarm"]}`, "null"},
		{"kms", "Decrypt", true, `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"PARAMETER_ARN":"arn:aws:ssm:eu-central-1:111122223333:parameter/orders/db"}}`, "null"},
		{"lambda", "UpdateFunctionConfiguration20150331v2", false, `{"functionName":"orders-import","timeout":60,"memorySize":512}`, `{"functionName":"orders-import","runtime":"python3.13","state":"Active","lastUpdateStatus":"InProgress"}`},
		{"rds", "DescribeDBInstances", true, `{"maxRecords":100}`, "null"},
		{"ssm", "StartSession", false, `{"target":"i-0a1b2c3d4e5f60718"}`, `{"sessionId":"example-0a1b2c3d4e5f60718","tokenValue":"Value hidden due to security reasons."}`},
		{"cloudformation", "DescribeStacks", true, `{"stackName":"orders"}`, "null"},
		{"sts", "GetAccessKeyInfo", true, `{"accessKeyId":"AKIAEXAMPLEEXAMPLE00"}`, `{"account":"111122223333"}`},
		{"dynamodb", "DescribeTable", true, `{"tableName":"orders"}`, "null"},
	}
}

// call is an AWS call with a session's credentials. A history may hold very
// many of them: all that is not said here follows from the seed.
type call struct {
	of   *assumption
	by   usage
	do   *action
	seed uint64
}

// usage is whose hand a call comes from.
type usage uint8

const (
	byKey     usage = iota // the command line, with the issued key
	byConsole              // the console: a new key for each request
	byCenter               // Identity Center's own key, the same creationDate
	byService              // an AWS service on behalf of the session
)

func (c *call) encode(e *enc, ev *Event) {
	r := rand.New(rand.NewPCG(c.seed, 2))
	m, a := c.of, c.of.role.account
	h := m.hand(c.by, r)
	e.str("eventVersion", "1.11")
	h.encodeIdentity(e)
	encodeHead(e, ev, c.do.source+".amazonaws.com", c.do.name, ev.Shard[len("aws/")+13:], h.ip, h.agent)
	denied := r.IntN(100) < 4
	if denied {
		e.str("errorCode", "AccessDenied")
		e.str("errorMessage", "User: "+m.usedARN()+" is not authorized to perform: "+c.do.source+":"+c.do.name+" because no identity-based policy allows the action")
	}
	e.raw("requestParameters", c.do.request)
	if denied {
		e.null("responseElements")
	} else {
		e.raw("responseElements", c.do.response)
	}
	e.id("requestID", newUUID(r))
	e.id("eventID", ev.id)
	e.bool("readOnly", c.do.readOnly)
	if c.by == byConsole {
		encodeTail(e, a.id, "AwsApiCall", "")
		e.str("sessionCredentialFromConsole", "true")
		return
	}
	encodeTail(e, a.id, "AwsApiCall", c.do.source+"."+ev.Shard[len("aws/")+13:]+".amazonaws.com")
}

// hand is the credentials with which one call of a session is made.
type hand struct {
	of             *assumption
	key, ip, agent string
	service        bool
}

func (m *assumption) hand(by usage, r *rand.Rand) *hand {
	h := &hand{of: m, key: m.key, ip: m.ip, agent: m.agent}
	switch by {
	case byConsole:
		h.key = "ASIA" + token(r, base32Upper, 16)
		h.agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
		h.ip = "198.51.100.77"
	case byCenter:
		k := rand.New(rand.NewPCG(m.seed, 3))
		h.key, h.ip, h.agent = "ASIA"+token(k, base32Upper, 16), "198.51.100.77", "aws-cli/2.31.6 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython"
	case byService:
		h.key, h.ip, h.agent, h.service = "ASIA"+token(r, base32Upper, 16), "cloudformation.amazonaws.com", "cloudformation.amazonaws.com", true
	}
	return h
}

func (h *hand) encodeIdentity(e *enc) {
	m := h.of
	e.open("userIdentity")
	e.str("type", "AssumedRole")
	e.str("principalId", m.principal())
	e.str("arn", m.usedARN())
	e.str("accountId", m.role.account.id)
	e.str("accessKeyId", h.key)
	encodeIssuer(e, m.role, m.created, m.identity)
	if h.service {
		e.str("invokedBy", "cloudformation.amazonaws.com")
	}
	e.close()
}

func encodeIssuer(e *enc, x *role, created time.Time, identity string) {
	e.open("sessionContext")
	e.open("sessionIssuer")
	e.str("type", "Role")
	e.str("principalId", x.aroa)
	e.str("arn", x.arn())
	e.str("accountId", x.account.id)
	e.str("userName", x.iamName())
	e.close()
	e.raw("webIdFederationData", "{}")
	if identity != "" {
		e.str("sourceIdentity", identity)
	}
	e.open("attributes")
	e.time("creationDate", created, trailTime)
	e.str("mfaAuthenticated", "false")
	e.close()
	e.close()
}

// use logs n calls with the session's credentials at times from after to until,
// both included, and returns the id of the latest.
func (s *scene) use(m *assumption, after, until time.Time, n int) (last string) {
	var latest time.Time
	for range n {
		at := after.Truncate(time.Second)
		if span := until.Sub(after); span > time.Second {
			at = after.Add(seconds(s.r, 0, span+time.Second)).Truncate(time.Second)
		}
		if id := s.call(m, at); !at.Before(latest) {
			last, latest = id, at
		}
	}
	return last
}

// call logs one call.
func (s *scene) call(m *assumption, at time.Time) string {
	c := s.g.newCall(s.r, m)
	region := m.role.account.region
	if c.do.source == "iam" || c.do.source == "sts" {
		region = "us-east-1"
	}
	return s.trail(m.role.account.id, region, at, c)
}

func (g *generator) newCall(r *rand.Rand, m *assumption) *call {
	c := &call{of: m, do: &g.actions[r.IntN(len(g.actions))], seed: r.Uint64()}
	if c.by = m.usage(); chance(r, 3) {
		c.by = byService
	}
	return c
}

// usage is by whose hand most calls of the session come.
func (m *assumption) usage() usage {
	switch {
	case m.console:
		return byConsole
	case m.role.account.provider.center && m.saml == m.role.account.provider.saml:
		return byCenter
	}
	return byKey
}

// consoleLogin is what CloudTrail logs when sign-in lets somebody into the
// console; the session has no context and no key yet.
func (s *scene) consoleLogin(m *assumption, p *person) {
	b := &consoleLogin{of: m, ip: "203.0.113.99", agent: "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"}
	if p != nil {
		b.ip, b.agent = p.ip, p.browser
	}
	region := pick(s.r, []string{"us-east-1", m.role.account.region})
	s.trail(m.role.account.id, region, m.at, b)
}

type consoleLogin struct {
	of        *assumption
	ip, agent string
}

func (b *consoleLogin) encode(e *enc, ev *Event) {
	m := b.of
	e.str("eventVersion", "1.08")
	e.open("userIdentity")
	e.str("type", "AssumedRole")
	e.str("principalId", m.principal())
	e.str("arn", m.usedARN())
	e.str("accountId", m.role.account.id)
	e.close()
	encodeHead(e, ev, "signin.amazonaws.com", "ConsoleLogin", ev.Shard[len("aws/")+13:], b.ip, b.agent)
	e.null("requestParameters")
	e.raw("responseElements", `{"ConsoleLogin":"Success"}`)
	e.open("additionalEventData")
	e.str("LoginTo", "https://console.aws.amazon.com/console/home")
	e.str("MobileVersion", "No")
	e.str("MFAUsed", "No")
	e.str("SamlProviderArn", m.role.account.providerARN(m.saml))
	e.close()
	e.id("eventID", ev.id)
	e.bool("readOnly", false)
	encodeTail(e, m.role.account.id, "AwsConsoleSignIn", "signin.aws.amazon.com")
}
