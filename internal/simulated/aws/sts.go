package aws

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query answers a request of the AWS query protocol.
func (s *Server) query(r *http.Request, body []byte, req *Request) answer {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return queryRefusal(req.note(refuse(http.StatusBadRequest, "MissingAction", "the request says neither X-Amz-Target nor Action")))
	}
	if form.Get("Action") != AssumeRole {
		return queryRefusal(req.note(refuse(http.StatusBadRequest, "InvalidAction", "only AssumeRole of STS is simulated")))
	}
	req.Operation = AssumeRole
	who, region, refused := s.authenticate(r, body, "sts", req.At)
	if refused != nil {
		return queryRefusal(req.note(refused))
	}
	req.Shard = "aws/" + who.account + "/" + region
	out, refused := s.assumeRole(who, form)
	if refused != nil {
		return queryRefusal(req.note(refused))
	}
	return xmlAnswer(http.StatusOK, out)
}

// assumed is STS's AssumeRoleResponse.
type assumed struct {
	XMLName   xml.Name     `xml:"AssumeRoleResponse"`
	Namespace string       `xml:"xmlns,attr"`
	Key       issuedKey    `xml:"AssumeRoleResult>Credentials"`
	User      assumedUser  `xml:"AssumeRoleResult>AssumedRoleUser"`
	Metadata  responseMeta `xml:"ResponseMetadata"`
}

type issuedKey struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	ARN           string `xml:"Arn"`
}

type responseMeta struct {
	RequestID string `xml:"RequestId"`
}

// sessionName reports whether STS accepts a RoleSessionName (API reference of
// AssumeRole).
func sessionName(name string) bool {
	letters := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-")
	return len(name) >= 2 && len(name) <= 64 && letters == ""
}

func (s *Server) assumeRole(who caller, form url.Values) (*assumed, *refusal) {
	name := form.Get("RoleSessionName")
	if !sessionName(name) {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "Value at 'roleSessionName' failed to satisfy constraint: 2 to 64 of [\\w+=,.@-]")
	}
	life, refused := duration(form.Get("DurationSeconds"))
	if refused != nil {
		return nil, refused
	}
	arn := form.Get("RoleArn")
	if refused := who.may("sts:AssumeRole", arn); refused != nil {
		return nil, forbidden(refused)
	}
	i := slices.IndexFunc(s.cfg.Roles, func(r Role) bool { return r.ARN == arn && r.account() != "" })
	if i < 0 {
		return nil, forbidden(who.refused("sts:AssumeRole", arn))
	}
	role := s.cfg.Roles[i]
	trusted := len(role.Trusts) == 0 || slices.Contains(role.Trusts, who.account)
	if !trusted || role.ExternalID != "" && role.ExternalID != form.Get("ExternalId") {
		return nil, forbidden(who.refused("sts:AssumeRole", arn))
	}
	return s.open(role, name, life), nil
}

// forbidden gives a refusal the status that STS uses for it.
func forbidden(r *refusal) *refusal {
	r.status = http.StatusForbidden
	return r
}

// open opens a session. Credentials live by the machine's clock, since it is by
// their own clock that clients renew them.
func (s *Server) open(role Role, name string, life time.Duration) *assumed {
	key := issuedKey{
		AccessKeyID:     "ASIA" + base32.StdEncoding.EncodeToString(random(10)),
		SecretAccessKey: base64.StdEncoding.EncodeToString(random(30)),
		SessionToken:    base64.StdEncoding.EncodeToString(random(120)),
	}
	expires := time.Now().UTC().Add(life).Truncate(time.Second)
	key.Expiration = expires.Format(time.RFC3339)
	user := assumedUser{
		AssumedRoleID: "AROA" + base32.StdEncoding.EncodeToString(mac([]byte("role"), role.ARN))[:17] + ":" + name,
		ARN:           "arn:aws:sts::" + role.account() + ":assumed-role/" + role.name() + "/" + name,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, o := range s.sessions {
		if time.Since(o.expires) > time.Hour {
			delete(s.sessions, k)
		}
	}
	s.sessions[key.AccessKeyID] = session{
		secret: key.SecretAccessKey, token: key.SessionToken, expires: expires,
		caller: caller{role.account(), user.ARN, role.Denied},
	}
	return &assumed{Namespace: stsNamespace, Key: key, User: user, Metadata: responseMeta{requestID()}}
}

// duration is how long a session lasts: 15 minutes to 12 hours, 1 hour where
// nothing is said (API reference of AssumeRole).
func duration(seconds string) (time.Duration, *refusal) {
	if seconds == "" {
		return time.Hour, nil
	}
	n, err := strconv.Atoi(seconds)
	if err != nil || n < 900 || n > 43200 {
		return 0, refuse(http.StatusBadRequest, "ValidationError", "Value '"+seconds+"' at 'durationSeconds' must be 900 to 43200")
	}
	return time.Duration(n) * time.Second, nil
}
