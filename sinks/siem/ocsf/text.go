package ocsf

import (
	"net/netip"
	"regexp"
	"strings"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// Bounds of what is taken from records, in bytes and entries. Together they keep an
// event below MaxEvent, whatever is in its record: in JSON a byte becomes six at
// most.
const (
	idBytes       = 128
	nameBytes     = 512
	sentenceBytes = 4096
	mostEvents    = 100
	mostNames     = 20
)

// ID is an id as events carry it: that of a notice, for a receiver to tell.
func ID(s string) string { return id(s) }

func id(s string) string       { return visible.Clip(s, idBytes) }
func name(s string) string     { return visible.Clip(s, nameBytes) }
func sentence(s string) string { return visible.Clip(s, sentenceBytes) }

// some are the first of a list, each made fit.
func some(list []string, most int, fit func(string) string) []string {
	var out []string
	for _, s := range list[:min(len(list), most)] {
		out = append(out, fit(s))
	}
	return out
}

// ms is a time as the schema has it; 0, which is left out, for none.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// keep sets what the schema has no attribute for; an empty text is left out.
func (e *event) keep(key, value string) {
	if value != "" {
		e.Unmapped[key] = value
	}
}

// keepAll is keep for a list. What is too much is left out and counted.
func (e *event) keepAll(key string, list []string) {
	if len(list) == 0 {
		return
	}
	e.Unmapped[key] = some(list, mostNames, id)
	if more := len(list) - mostNames; more > 0 {
		e.Unmapped[key+"_left_out"] = more
	}
}

// evidence keeps event ids for classes that have no attribute for them.
func (e *event) evidence(ids []string) {
	if len(ids) == 0 {
		return
	}
	e.Unmapped["evidence"] = some(ids, mostEvents, id)
	if more := len(ids) - mostEvents; more > 0 {
		e.Unmapped["evidence_left_out"] = more
	}
}

// address matches what the schema calls an email_t, of the usual characters.
var address = regexp.MustCompile(`^[a-zA-Z0-9._%+'-]{1,128}@[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63}){1,8}$`)

// person is whom a record is about. Its uid is Okta's id of the user, where there
// is one; uid_alt is the key under which jitaudit knows them.
func person(p *schemas.Person) *user {
	u := &user{Name: name(p.Name), UID: id(p.Key), TypeID: 1, Type: "User"}
	if org, uid, ok := strings.Cut(strings.TrimPrefix(p.Key, "okta:"), "/"); ok && p.Attributed() && org == p.Org {
		u.UID, u.UIDAlt = id(uid), id(p.Key)
	}
	if p.Attributed() {
		u.Org = &named{Name: "Okta org " + name(p.Org), UID: id(p.Org)}
	}
	if len(p.Name) <= nameBytes && address.MatchString(p.Name) {
		u.EmailAddr = p.Name
	}
	if u.Name == "" && u.UID == "" {
		u.Name = "unknown"
	}
	return u
}

// observe lists what a SIEM looks up elsewhere; path is where the user stands.
func (e *event) observe(path string, u *user) {
	if u.Name != "" {
		e.Observables = append(e.Observables, observable{path + ".name", 4, "User Name", u.Name})
	}
	if u.EmailAddr != "" {
		e.Observables = append(e.Observables, observable{path + ".email_addr", 5, "Email Address", u.EmailAddr})
	}
}

// source is where a request came from; nil unless it is an address.
func source(ip string) *endpoint {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Zone() != "" {
		return nil
	}
	return &endpoint{IP: addr.String()}
}

// inAccount says in which AWS account an event is; an empty one is left out.
func (e *event) inAccount(uid string) {
	if uid != "" {
		e.Cloud = &cloud{Provider: "AWS", Account: account{UID: id(uid), TypeID: 10, Type: "AWS Account"}}
	}
}

// roleName names a role in an account: "111111111111/Admin".
func roleName(account, role string) string { return id(account) + "/" + id(role) }
