package slack

import (
	"net/url"
	"strings"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// message is what chat.postMessage takes.
type message struct {
	Channel string `json:"channel"`
	// Text is shown in notifications, in place of the blocks.
	Text      string   `json:"text"`
	Blocks    []block  `json:"blocks"`
	Thread    string   `json:"thread_ts,omitempty"`
	Broadcast bool     `json:"reply_broadcast,omitempty"`
	Metadata  metadata `json:"metadata"`
	// Nothing in a message becomes a link, a mention or a preview by itself.
	Parse       string `json:"parse"`
	Mrkdwn      bool   `json:"mrkdwn"`
	LinkNames   bool   `json:"link_names"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

type metadata struct {
	Type    string  `json:"event_type"`
	Payload payload `json:"event_payload"`
}

type payload struct {
	ID string `json:"id"`
}

func newMetadata(id string) metadata { return metadata{eventType, payload{id}} }

// block is a header, section, context or actions block of Block Kit.
type block struct {
	Type   string `json:"type"`
	Text   *text  `json:"text,omitempty"`
	Fields []text `json:"fields,omitempty"`
	// Elements are those of a context, texts, or of actions, buttons.
	Elements []any `json:"elements,omitempty"`
}

// text is a plain_text object: the only kind used, as Slack looks for no markup,
// mention or link in it.
type text struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji bool   `json:"emoji"` // false: no :name: becomes a picture
}

type button struct {
	Type   string `json:"type"`
	Text   text   `json:"text"`
	URL    string `json:"url"`
	Action string `json:"action_id"`
}

// The bounds of Block Kit, in characters, of which none has less than one byte.
// Together the blocks stay below about 13,000, where Slack answers
// msg_blocks_too_long.
const (
	headerLimit  = 150
	sectionLimit = 3000
	fieldsLimit  = 10
	urlLimit     = 3000

	// What is shown of a value that came from a log.
	valueLimit = 250
	whyLimit   = 1500
	idLimit    = 80
)

func plain(s string) text { return text{Type: "plain_text", Text: s} }

func header(s string) block {
	t := plain(visible.Clip(s, headerLimit))
	return block{Type: "header", Text: &t}
}

func section(s string) block {
	t := plain(s)
	return block{Type: "section", Text: &t}
}

func footnote(lines ...string) block {
	b := block{Type: "context"}
	for _, line := range lines {
		b.Elements = append(b.Elements, plain(line))
	}
	return b
}

// fields are values with their labels, those that are known.
type fields []text

// add adds a value. It has one line, so that none looks like another's label.
func (f *fields) add(label, value string) {
	if strings.Trim(value, " ") == "" || len(*f) == fieldsLimit {
		return
	}
	*f = append(*f, plain(label+"\n"+visible.Clip(value, valueLimit)))
}

func (f *fields) addTime(label string, t time.Time) {
	if !t.IsZero() {
		f.add(label, moment(t))
	}
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// list shows some of many values.
func list(values []string, most, bytes int) string {
	shown := make([]string, 0, most)
	for _, v := range values[:min(most, len(values))] {
		shown = append(shown, visible.Clip(v, bytes))
	}
	s := strings.Join(shown, ", ")
	if more := len(values) - len(shown); more > 0 {
		s += " and " + count(more, "more", "more")
	}
	return s
}

// link is a button that leads to the record, or nothing where the link is none that
// Slack would take.
func link(label, to string) []block {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(to) > urlLimit || !visible.PlainASCII(to) {
		return nil
	}
	return []block{{Type: "actions", Elements: []any{
		button{Type: "button", Text: plain(label), URL: to, Action: "open"},
	}}}
}

// fallback is text that Slack reads as its markup: its three characters become
// entities, so that nothing in it is a mention or a link (Slack: formatting message
// text, escaping).
func fallback(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(visible.Clip(s, 2*valueLimit))
}

// mark is a severity at a glance.
func mark(s schemas.Severity) string {
	switch s {
	case schemas.Critical:
		return "🔴"
	case schemas.High:
		return "🟠"
	case schemas.Medium:
		return "🟡"
	case schemas.Low:
		return "🔵"
	}
	return "⚪"
}
