package slack

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "xoxb-1-2-the-token-of-the-tests"

// workspace answers as Slack's Web API does, in what is used of it.
type workspace struct {
	server *httptest.Server
	start  time.Time

	mu       sync.Mutex
	channels map[string]bool // by id; false where the app is not in it
	users    map[string]user // by email
	scopes   []string
	messages []stored
	calls    []string
	faults   map[string][]fault // by method, in order
	padding  int                // what others' messages have more
}

// stored is a message as it was posted, parsed, with its ts.
type stored struct {
	message
	TS  string
	raw []byte
}

// fault is what a call meets instead of its answer.
type fault struct {
	status     int    // answered, with Retry-After
	retryAfter string //
	code       string // answered as {"ok":false,"error":…}
	body       string // answered with 200
	done       bool   // do it first
	reset      bool   // the connection
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := &workspace{
		start:    time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		channels: map[string]bool{"C0000GENERAL": true, "C0000URGENT1": true, "C00000OTHER1": false},
		users: map[string]user{
			"ann@example.com":  {ID: "U0000000ANN"},
			"bob@example.com":  {ID: "U0000000BOB"},
			"gone@example.com": {ID: "U000000GONE", Deleted: true},
		},
		scopes: []string{"chat:write", "users:read.email", "im:write", "im:history", "channels:history"},
		faults: map[string][]fault{},
	}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

func (w *workspace) fail(method string, f ...fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[method] = append(w.faults[method], f...)
}

// in are the messages of a channel.
func (w *workspace) in(channel string) []stored {
	w.mu.Lock()
	defer w.mu.Unlock()
	var in []stored
	for _, m := range w.messages {
		if m.Channel == channel {
			in = append(in, m)
		}
	}
	return in
}

func (w *workspace) called(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c == method {
			n++
		}
	}
	return n
}

func (w *workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	w.calls = append(w.calls, method)
	body, _ := io.ReadAll(r.Body)
	var f fault
	if queue := w.faults[method]; len(queue) > 0 {
		f, w.faults[method] = queue[0], queue[1:]
	}
	if f == (fault{}) || f.done {
		answer := w.answer(method, r, body)
		if f == (fault{}) {
			writeJSON(rw, answer)
			return
		}
	}
	switch {
	case f.reset:
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	case f.status != 0:
		if f.retryAfter != "" {
			rw.Header().Set("Retry-After", f.retryAfter)
		}
		rw.WriteHeader(f.status)
		writeJSON(rw, refuse("ratelimited"))
	case f.body != "":
		_, _ = io.WriteString(rw, f.body)
	default:
		writeJSON(rw, refuse(f.code))
	}
}

func writeJSON(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) }

func refuse(code string) map[string]any { return map[string]any{"ok": false, "error": code} }

func (w *workspace) answer(method string, r *http.Request, body []byte) map[string]any {
	switch {
	case r.Method != http.MethodPost:
		return refuse("invalid_http_method")
	case r.Header.Get("Authorization") == "":
		return refuse("not_authed")
	case r.Header.Get("Authorization") != "Bearer "+testToken:
		return refuse("invalid_auth")
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if method == "chat.postMessage" {
		if kind != "application/json" {
			return refuse("invalid_post_type")
		}
		return w.need("chat:write", func() map[string]any { return w.post(body) })
	}
	if kind != "application/x-www-form-urlencoded" {
		return refuse("invalid_post_type")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse("invalid_form_data")
	}
	switch method {
	case "users.lookupByEmail":
		return w.need("users:read.email", func() map[string]any { return w.lookup(values.Get("email")) })
	case "conversations.open":
		return w.need("im:write", func() map[string]any { return w.open(values.Get("users")) })
	case "conversations.history", "conversations.replies":
		scope := "channels:history"
		if strings.HasPrefix(values.Get("channel"), "D") {
			scope = "im:history"
		}
		return w.need(scope, func() map[string]any { return w.read(method, values) })
	}
	return refuse("unknown_method")
}

func (w *workspace) need(scope string, then func() map[string]any) map[string]any {
	if !slices.Contains(w.scopes, scope) {
		a := refuse("missing_scope")
		a["needed"], a["provided"] = scope, strings.Join(w.scopes, ",")
		return a
	}
	return then()
}

func (w *workspace) lookup(email string) map[string]any {
	u, ok := w.users[strings.ToLower(email)]
	if !ok {
		return refuse("users_not_found")
	}
	return map[string]any{"ok": true, "user": map[string]any{"id": u.ID, "deleted": u.Deleted, "is_bot": u.Bot, "profile": map[string]any{"email": email}}}
}

func (w *workspace) open(users string) map[string]any {
	for _, u := range w.users {
		if u.ID == users {
			channel := "D" + strings.TrimPrefix(users, "U")
			w.channels[channel] = true
			return map[string]any{"ok": true, "channel": map[string]any{"id": channel}}
		}
	}
	return refuse("user_not_found")
}

func (w *workspace) post(body []byte) map[string]any {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return refuse("invalid_json")
	}
	in, known := w.channels[m.Channel]
	switch {
	case !known:
		return refuse("channel_not_found")
	case !in:
		return refuse("not_in_channel")
	case len(m.Text) > 40_000:
		return refuse("msg_too_long")
	case m.Metadata.Type == "" || m.Metadata.Payload.ID == "":
		return refuse("invalid_metadata_schema")
	case m.Thread != "" && !slices.ContainsFunc(w.messages, func(s stored) bool { return s.TS == m.Thread && s.Channel == m.Channel && s.Thread == "" }):
		return refuse("thread_not_found")
	}
	if problems := checkBlocks(body); len(problems) > 0 {
		a := refuse("invalid_blocks")
		a["response_metadata"] = map[string]any{"messages": problems}
		return a
	}
	ts := fmt.Sprintf("%d.%06d", w.start.Unix(), len(w.messages)+1)
	w.messages = append(w.messages, stored{m, ts, body})
	return map[string]any{"ok": true, "channel": m.Channel, "ts": ts, "message": map[string]any{"ts": ts, "text": m.Text}}
}

// read answers with messages: those of a channel the newest first, without the
// answers in threads that are not shown to it; those of a thread the oldest first.
func (w *workspace) read(method string, v url.Values) map[string]any {
	limit, _ := strconv.Atoi(v.Get("limit"))
	from, _ := strconv.Atoi(v.Get("cursor"))
	if !w.channels[v.Get("channel")] {
		return refuse("channel_not_found")
	}
	var all []stored
	for _, m := range w.messages {
		if m.Channel != v.Get("channel") || m.TS < v.Get("oldest") || v.Get("latest") != "" && m.TS > v.Get("latest") {
			continue
		}
		thread := method == "conversations.replies"
		if thread && (m.TS == v.Get("ts") || m.Thread == v.Get("ts")) || !thread && (m.Thread == "" || m.Broadcast) {
			all = append(all, m)
		}
	}
	if method == "conversations.history" {
		slices.Reverse(all)
	}
	messages := []any{}
	for _, m := range all[min(from, len(all)):min(from+limit, len(all))] {
		shown := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "blocks": m.Blocks, "filler": strings.Repeat("x", w.padding)}
		if m.Thread != "" {
			shown["thread_ts"] = m.Thread
		}
		if v.Get("include_all_metadata") == "true" {
			shown["metadata"] = m.Metadata
		}
		messages = append(messages, shown)
	}
	a := map[string]any{"ok": true, "messages": messages, "has_more": from+limit < len(all)}
	if from+limit < len(all) {
		a["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(from + limit)}
	}
	return a
}

// checkBlocks finds what breaks the rules of Block Kit, as Slack tells it.
func checkBlocks(body []byte) (problems []string) {
	var m struct {
		Blocks []struct {
			Type     string           `json:"type"`
			Text     *text            `json:"text"`
			Fields   []text           `json:"fields"`
			Elements []map[string]any `json:"elements"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return []string{err.Error()}
	}
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf("[ERROR] "+format, args...)) }
	textIs := func(at string, t text, most int) {
		if n := len([]rune(t.Text)); n < 1 || n > most {
			bad("%s has %d characters, of 1 to %d", at, n, most)
		}
		if t.Type != "plain_text" && t.Type != "mrkdwn" {
			bad("%s is of type %q", at, t.Type)
		}
	}
	if n := len(m.Blocks); n < 1 || n > 50 {
		bad("%d blocks", n)
	}
	for i, b := range m.Blocks {
		at := fmt.Sprintf("/blocks/%d", i)
		switch b.Type {
		case "header":
			textIs(at, *b.Text, 150)
			if b.Text.Type != "plain_text" {
				bad("%s must be plain_text", at)
			}
		case "section":
			if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > 10 {
				bad("%s has no text or %d fields", at, len(b.Fields))
			}
			if b.Text != nil {
				textIs(at, *b.Text, 3000)
			}
			for _, f := range b.Fields {
				textIs(at+"/fields", f, 2000)
			}
		case "context", "actions":
			if n := len(b.Elements); n < 1 || n > 10 {
				bad("%s has %d elements", at, n)
			}
			for _, e := range b.Elements {
				switch {
				case b.Type == "context":
					s, _ := e["text"].(string)
					kind, _ := e["type"].(string)
					textIs(at+"/elements", text{Type: kind, Text: s}, 2000)
				case e["type"] == "button":
					u, _ := e["url"].(string)
					if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || len(u) > 3000 {
						bad("%s has the url %q", at, u)
					}
				default:
					bad("%s has an element of type %v", at, e["type"])
				}
			}
		default:
			bad("%s is of type %q", at, b.Type)
		}
	}
	return problems
}
