package syslog

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// parsed is a message as RFC 5424 reads it.
type parsed struct {
	facility, severity                       int
	at                                       time.Time
	hostname, appName, procID, msgID, dataID string
	params                                   map[string]string
	bom                                      bool
	text                                     string
}

var (
	headerPattern = regexp.MustCompile(`^<([1-9]?[0-9]|1[0-8][0-9]|19[01])>1 (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) (.*)$`)
	datePattern   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$`)
	namePattern   = regexp.MustCompile(`^[!#-<>-\\^-~]{1,32}$`) // printable, without " = ]
)

// parse5424 is written from the grammar of RFC 5424, section 6, alone.
func parse5424(message string) (parsed, error) {
	var p parsed
	if !utf8.ValidString(message) {
		return p, fmt.Errorf("no UTF-8")
	}
	h := headerPattern.FindStringSubmatch(message)
	if h == nil {
		return p, fmt.Errorf("no header in %.100q", message)
	}
	var priority int
	if _, err := fmt.Sscan(h[1], &priority); err != nil {
		return p, err
	}
	p.facility, p.severity = priority/8, priority%8
	if h[2] != "-" {
		if !datePattern.MatchString(h[2]) {
			return p, fmt.Errorf("time %q", h[2])
		}
		at, err := time.Parse(time.RFC3339Nano, h[2])
		if err != nil {
			return p, err
		}
		p.at = at
	}
	p.hostname, p.appName, p.procID, p.msgID = h[3], h[4], h[5], h[6]
	rest, err := p.data(h[7])
	if err != nil {
		return p, err
	}
	if rest == "" {
		return p, nil
	}
	if rest[0] != ' ' {
		return p, fmt.Errorf("after the structured data: %.20q", rest)
	}
	p.text, p.bom = strings.CutPrefix(rest[1:], "\xef\xbb\xbf")
	return p, nil
}

// data reads one SD-ELEMENT.
func (p *parsed) data(s string) (rest string, err error) {
	if s[0] != '[' {
		return "", fmt.Errorf("structured data begins with %q", s[0])
	}
	s = s[1:]
	end := strings.IndexAny(s, " ]")
	if end < 0 || !namePattern.MatchString(s[:end]) {
		return "", fmt.Errorf("SD-ID in %.40q", s)
	}
	p.dataID, s = s[:end], s[end:]
	p.params = map[string]string{}
	for {
		switch {
		case s == "":
			return "", fmt.Errorf("structured data without end")
		case s[0] == ']':
			return s[1:], nil
		case s[0] != ' ':
			return "", fmt.Errorf("between parameters: %.20q", s)
		}
		name, after, ok := strings.Cut(s[1:], `="`)
		if !ok || !namePattern.MatchString(name) {
			return "", fmt.Errorf("PARAM-NAME in %.40q", s)
		}
		if _, twice := p.params[name]; twice {
			return "", fmt.Errorf("%s twice", name)
		}
		var value strings.Builder
		i := 0
		for ; i < len(after) && after[i] != '"'; i++ {
			switch c := after[i]; {
			case c == ']':
				return "", fmt.Errorf("a bare ] in %s", name)
			case c == '\\' && i+1 < len(after) && strings.IndexByte(`"\]`, after[i+1]) >= 0:
				i++
				value.WriteByte(after[i])
			default: // a backslash before anything else is one
				value.WriteByte(c)
			}
		}
		if i == len(after) {
			return "", fmt.Errorf("%s without end", name)
		}
		p.params[name], s = value.String(), after[i+1:]
	}
}

// cefEvent is a text as the ArcSight CEF standard reads it.
type cefEvent struct {
	header    []string // version, vendor, product, device version, class, name, severity
	extension map[string]string
}

var cefKey = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// parseCEF is written from the standard alone.
func parseCEF(text string) (cefEvent, error) {
	e := cefEvent{extension: map[string]string{}}
	rest, ok := strings.CutPrefix(text, "CEF:")
	if !ok {
		return e, fmt.Errorf("no CEF: %.40q", text)
	}
	var field strings.Builder
	for len(e.header) < 7 {
		if rest == "" {
			return e, fmt.Errorf("%d fields in the header", len(e.header))
		}
		c := rest[0]
		rest = rest[1:]
		switch {
		case c == '|':
			e.header = append(e.header, field.String())
			field.Reset()
		case c == '\\':
			if rest == "" || rest[0] != '|' && rest[0] != '\\' {
				return e, fmt.Errorf("a bare backslash in the header before %.10q", rest)
			}
			field.WriteByte(rest[0])
			rest = rest[1:]
		case c == '\n' || c == '\r':
			return e, fmt.Errorf("a line end in the header")
		default:
			field.WriteByte(c)
		}
	}
	return e, e.extend(rest)
}

// extend reads key=value pairs: a key begins after a space before an equals sign
// that is not escaped.
func (e *cefEvent) extend(rest string) error {
	var signs []int
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			if i+1 == len(rest) || !strings.ContainsRune(`\=nr`, rune(rest[i+1])) {
				return fmt.Errorf("a bare backslash in the extension at %d", i)
			}
			i++
		case '=':
			signs = append(signs, i)
		case '\n', '\r':
			return fmt.Errorf("a line end in the extension")
		}
	}
	for n, sign := range signs {
		from := strings.LastIndexByte(rest[:sign], ' ') + 1
		key := rest[from:sign]
		end := len(rest)
		if n+1 < len(signs) {
			end = strings.LastIndexByte(rest[:signs[n+1]], ' ')
		}
		if !cefKey.MatchString(key) || end < sign || n == 0 && from != 0 {
			return fmt.Errorf("key %q", key)
		}
		if _, twice := e.extension[key]; twice {
			return fmt.Errorf("%s twice", key)
		}
		e.extension[key] = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\n`, "\n", `\r`, "\r").Replace(rest[sign+1 : end])
	}
	return nil
}

func TestTheParsersRefuseWhatIsWrong(t *testing.T) {
	good := `<131>1 2026-03-04T05:06:07.08Z - app 1 id [a@1 b="c"]`
	if _, err := parse5424(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		``, `<192>1 - - - - - [a@1]`, `<01>1 - - - - - [a@1]`, `<1>2 - - - - - [a@1]`, `<1>1 2026 - - - - [a@1]`, `<1>1 - a b c - - [a@1]`,
		`<1>1 - - - - - [a@1 b="c]"]`, `<1>1 - - - - - [a@1 b="c\"]`, `<1>1 - - - - - [a@1 b="c"]x`, `<1>1 - - - - - [a@1 b="c" b="d"]`, "<1>1 - - - - - [a@1 b=\"\xff\"]",
	} {
		if p, err := parse5424(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, p)
		}
	}
	if _, err := parseCEF(`CEF:0|a|b|c|d\|\\|e|1|k=v w\= l=x\\`); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`CEF:0|a|b|c|d|e|1`, `CEF:0|a\b|b|c|d|e|1|`, `CEF:0|a|b|c|d|e|1|k=a k=b`, `CEF:0|a|b|c|d|e|1|k=\`, `CEF:0|a|b|c|d|e|1|k=a==b`, "CEF:0|a|b|c|d|e|1|k=a\nb"} {
		if e, err := parseCEF(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, e)
		}
	}
}
