package syslog

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"jitaudit/schemas"
)

// The lengths of CEF's header fields (ArcSight's dictionary: deviceVersion,
// deviceEventClassId, name).
const (
	cefVersionLimit = 31
	cefClassLimit   = 1023
	cefNameLimit    = 512
)

// cefSeverity is CEF's, 0 to 10: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high.
func cefSeverity(s schemas.Severity) int {
	switch s {
	case schemas.Critical:
		return 10
	case schemas.High:
		return 8
	case schemas.Medium:
		return 5
	case schemas.Low:
		return 3
	}
	return 1
}

// cef is CEF:0 with no text longer than limit.
func (r *Receiver) cef(s subject, limit int) string {
	class, name := s.kind+"."+string(s.change), "jitaudit "+s.kind+" "+string(s.change)
	if s.kind == "finding" {
		class, name = s.rule, "jitaudit finding "+s.rule
	}
	if s.test {
		name = "[TEST] " + name
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CEF:0|jitaudit|jitaudit|%s|%s|%s|%d|",
		header(r.cfg.Version, cefVersionLimit), header(class, min(limit, cefClassLimit)), header(name, min(limit, cefNameLimit)), cefSeverity(s.severity))
	for i, e := range r.extension(s) {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", e.key, extension(e.value, min(limit, e.limit)))
	}
	return b.String()
}

type extensionField struct {
	key   string
	limit int // the dictionary's length of the key
	value string
}

// extension are the fields that have a value, with keys of ArcSight's dictionary
// for producers and its lengths.
func (r *Receiver) extension(s subject) []extensionField {
	var out []extensionField
	add := func(key string, limit int, value string) {
		if strings.Trim(value, " ") != "" {
			out = append(out, extensionField{key, limit, value})
		}
	}
	custom := func(key, label string, limit int, value string) {
		if strings.Trim(value, " ") != "" {
			add(key+"Label", 128, label)
			add(key, limit, value)
		}
	}
	add("rt", 20, millis(s.observed))
	add("start", 20, millis(s.start))
	add("end", 20, millis(s.end))
	add("externalId", 40, s.record)
	if s.record != "" {
		custom("cn1", "version", 20, strconv.FormatInt(s.version, 10))
	}
	add("cat", 1023, s.kind)
	add("act", 63, string(s.change))
	add("outcome", 63, s.status)
	add("suser", 1023, s.person.Name)
	add("suid", 1023, s.person.Key)
	add("duser", 1023, s.sessionName)
	custom("cs1", "account", 4000, s.account)
	custom("cs2", "role", 4000, s.role)
	custom("cs3", "requester", 4000, s.requester)
	custom("cs4", "approvers", 4000, s.approvers)
	custom("cs5", "session or grant", 4000, s.about)
	custom("cs6", "evidence", 4000, strings.Join(s.evidence, ", "))
	custom("flexString1", "second factor", 1023, s.mfa)
	custom("flexString1", "changed by", 1023, s.by) // of a grant, which has no factor
	custom("flexString2", "triage", 1023, s.triage)
	if ip, err := netip.ParseAddr(s.ip); err == nil {
		if ip = ip.Unmap().WithZone(""); ip.Is4() {
			add("src", 15, ip.String())
		} else {
			custom("c6a2", "source IPv6 address", 39, ip.String())
		}
	}
	if s.count > 0 {
		add("cnt", 20, strconv.Itoa(s.count))
	}
	add("dvchost", 100, r.cfg.Hostname)
	add("request", 1023, s.link)
	add("msg", 1023, s.msg)
	return out
}

// millis are those of the epoch; empty for no time.
func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// header escapes a field of the header: backslash and pipe.
func header(s string, limit int) string {
	return strings.NewReplacer(`\`, `\\`, `|`, `\|`).Replace(trimmed(s, limit))
}

// extension escapes a value: backslash, equals sign, and line ends, of which show
// leaves none.
func extension(s string, limit int) string {
	return strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\n", `\n`, "\r", `\r`).Replace(trimmed(s, limit))
}

// trimmed has no spaces around it: at the end of a value they would belong to what
// separates it from the next.
func trimmed(s string, limit int) string {
	return strings.Trim(show(strings.Trim(s, " "), limit), " ")
}
