package syslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

const (
	// headLimit bounds what stands in structured data, and ids in errors.
	headLimit = 256
	// msgIDLimit is RFC 5424's.
	msgIDLimit = 32
	// timestamp is RFC 5424's, of no more than microseconds.
	timestamp = "2006-01-02T15:04:05.000000Z"
	// bom says that the text is UTF-8.
	bom = "\ufeff"
)

// facilities are RFC 5424's by number, named as in most servers' configuration.
func facilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
		"audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

// syslogSeverity is RFC 5424's number. It is the finding's whatever has become of
// it: what lets through that it opened must let through that it is over.
func syslogSeverity(s schemas.Severity) int {
	switch s {
	case schemas.Critical:
		return 2
	case schemas.High:
		return 3
	case schemas.Medium:
		return 4
	case schemas.Low:
		return 5
	}
	return 6
}

// show makes a text of a log fit for a line, of no more than so many bytes.
func show(s string, limit int) string { return visible.Clip(s, limit) }

// messages are those of a notice, in order, without their framing.
func (r *Receiver) messages(n *alerts.Notice) ([][]byte, error) {
	if n.Digest != nil {
		return r.messagesOf(n, digestSubject(n.Digest))
	}
	if len(n.Alerts) == 0 {
		return r.messagesOf(n, subject{kind: "notice", msg: "a notice without alerts"})
	}
	var out [][]byte
	for i := range n.Alerts {
		one := *n
		one.Alerts = n.Alerts[i : i+1]
		of, err := r.messagesOf(&one, alertSubject(&n.Alerts[i]))
		if err != nil {
			return nil, fmt.Errorf("alert %s: %w", show(n.Alerts[i].ID(), headLimit), err)
		}
		out = append(out, of...)
	}
	return out, nil
}

func (r *Receiver) messagesOf(n *alerts.Notice, s subject) ([][]byte, error) {
	s.notice, s.test = n.ID, n.Test
	if s.observed.IsZero() {
		s.observed = r.now()
	}
	if r.cfg.Format == CEF {
		m, err := r.cefMessage(s)
		return [][]byte{m}, err
	}
	bodies, err := r.cfg.Encode(n)
	if err != nil {
		return nil, err
	}
	if len(bodies) == 0 {
		return nil, errors.New("it has no body")
	}
	var out [][]byte
	for i, body := range bodies {
		s.part = i + 1
		m, err := r.jsonMessage(s, body)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// caps are ever tighter bounds for each text of a message that is too long. With
// the last one every message fits into minMaxBytes.
func caps() []int { return []int{4000, 1000, 250, 60} }

func (r *Receiver) cefMessage(s subject) ([]byte, error) {
	for _, limit := range caps() {
		if m := r.message(s, limit, r.cef(s, limit)); len(m) <= r.cfg.MaxBytes {
			return m, nil
		}
	}
	return nil, fmt.Errorf("it has more than %d bytes however it is shortened", r.cfg.MaxBytes)
}

func (r *Receiver) jsonMessage(s subject, body []byte) ([]byte, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, bytes.ToValidUTF8(body, []byte("\ufffd"))); err != nil {
		return nil, fmt.Errorf("its body is no JSON: %w", err)
	}
	if !bytes.HasPrefix(line.Bytes(), []byte{'{'}) {
		return nil, errors.New("its body is no JSON object")
	}
	m := r.message(s, headLimit, string(visible.JSON(nil, line.Bytes())))
	if len(m) <= r.cfg.MaxBytes {
		return m, nil
	}
	// A text that somebody put into a log must not keep an alert back by its length.
	for _, limit := range caps() {
		short, err := json.Marshal(struct {
			TooLarge int    `json:"too_large_bytes"`
			Message  string `json:"message"`
		}{len(m), "the event was larger than max_bytes and was left out; see the record by its id: " + show(s.msg, limit)})
		if err != nil {
			return nil, err
		}
		if m := r.message(s, min(limit, headLimit), string(visible.JSON(nil, short))); len(m) <= r.cfg.MaxBytes {
			return m, nil
		}
	}
	return nil, fmt.Errorf("it has more than %d bytes however it is shortened", r.cfg.MaxBytes)
}

// message puts a text after the header and structured data of RFC 5424.
func (r *Receiver) message(s subject, limit int, text string) []byte {
	hostname := r.cfg.Hostname
	if hostname == "" {
		hostname = "-"
	}
	b := fmt.Appendf(nil, "<%d>1 %s %s %s %s %s ", r.facility*8+syslogSeverity(s.severity),
		stamp(s.observed), hostname, r.cfg.AppName, r.procID, msgID(s.kind+"."+string(s.change)))
	b = r.structured(b, s, min(limit, headLimit))
	b = append(b, ' ')
	if !r.cfg.NoBOM {
		b = append(b, bom...)
	}
	return append(b, text...)
}

// stamp is "-", for unknown, where RFC 3339 cannot say the year.
func stamp(t time.Time) string {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return "-"
	}
	return t.UTC().Format(timestamp)
}

// msgID leaves what RFC 5424 allows: printable ASCII without spaces.
func msgID(s string) string {
	id := []byte(s[:min(len(s), msgIDLimit)])
	for i, c := range id {
		if c < '!' || c > '~' {
			id[i] = '?'
		}
	}
	return strings.TrimSuffix(string(id), ".")
}

// structured appends the structured data: what a server routes and counts by
// without reading the text.
func (r *Receiver) structured(b []byte, s subject, limit int) []byte {
	b = fmt.Appendf(b, "[jitaudit@%d", r.cfg.Enterprise)
	param := func(name, value string) {
		if value != "" {
			b = fmt.Appendf(b, ` %s="%s"`, name, escapeParam(show(value, limit)))
		}
	}
	param("id", s.id)
	param("notice", s.notice)
	param("record", s.record)
	if s.record != "" {
		param("version", strconv.FormatInt(s.version, 10))
	}
	if s.part > 0 {
		param("part", strconv.Itoa(s.part))
	}
	param("kind", s.kind)
	param("change", string(s.change))
	param("rule", s.rule)
	param("severity", string(s.severity))
	param("status", s.status)
	param("person", s.person.Name)
	param("account", s.account)
	param("role", s.role)
	if s.test {
		param("test", "true")
	}
	return append(b, ']')
}

// escapeParam escapes what RFC 5424 (6.3.3) says.
func escapeParam(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(s)
}
