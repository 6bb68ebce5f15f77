package splunk

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const token = "11111111-2222-3333-4444-555555555555"

// hec answers as Splunk documents its HTTP Event Collector: authorisation, gzip,
// events one after the other, channels, ackIds counted from 0 for each channel,
// acknowledgement told once, and what is accepted being lost by a restart before
// it is indexed.
type hec struct {
	*httptest.Server
	// polled has something for each question for acknowledgement, if anybody listens.
	polled chan struct{}

	mu       sync.Mutex
	useACK   bool
	disabled bool
	indexes  []string
	limit    int // of a body before decompression
	held     bool
	channels map[string]*channel
	indexed  []got
	bodies   []int // events in each accepted body
	sizes    []int // and its bytes
	headers  []http.Header
	faults   map[string][]fault
}

type channel struct {
	next  int
	state map[int]bool // by ackId: indexed
	queue []batch
}

type batch struct {
	id     int
	events []got
}

// got is an event as Splunk has it.
type got struct {
	Time       json.Number
	Host       string
	Source     string
	SourceType string
	Index      string
	Event      json.RawMessage
	Fields     map[string]string
	raw        string
}

// fault answers instead of the collector, or lets it with false.
type fault func(w http.ResponseWriter, req *http.Request) bool

func newHEC(t *testing.T) *hec {
	h := &hec{
		indexes: []string{"main", "audit"}, limit: 10 << 20,
		channels: map[string]*channel{}, faults: map[string][]fault{}, polled: make(chan struct{}),
	}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// next is what happens to the next requests for a path.
func (h *hec) next(path string, faults ...fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[path] = append(h.faults[path], faults...)
}

func (h *hec) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.TrimPrefix(req.URL.Path, "/")
	h.mu.Lock()
	h.headers = append(h.headers, req.Header)
	var f fault
	if some := h.faults[path]; len(some) > 0 {
		f, h.faults[path] = some[0], some[1:]
	}
	h.mu.Unlock()
	if f != nil && f(w, req) {
		return
	}
	if path == ackPath {
		defer func() {
			select {
			case h.polled <- struct{}{}:
			default:
			}
		}()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if code, text := h.authorise(req); code != 0 {
		reply(w, map[int]int{1: 403, 2: 401, 3: 401, 4: 403}[code], code, text)
		return
	}
	switch path {
	case eventPath:
		h.event(w, req)
	case ackPath:
		h.ack(w, req)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (h *hec) authorise(req *http.Request) (int, string) {
	given := req.Header.Get("Authorization")
	scheme, value, _ := strings.Cut(given, " ")
	switch {
	case given == "":
		return 2, "Token is required"
	case scheme != "Splunk":
		return 3, "Invalid authorization"
	case value != token:
		return 4, "Invalid token"
	case h.disabled:
		return 1, "Token disabled"
	}
	return 0, ""
}

func reply(w http.ResponseWriter, status, code int, text string, more ...any) {
	w.WriteHeader(status)
	answer := map[string]any{"text": text, "code": code}
	for i := 0; i < len(more); i += 2 {
		answer[more[i].(string)] = more[i+1]
	}
	_ = json.NewEncoder(w).Encode(answer)
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// ofChannel is nil, after an answer, without a channel that may be.
func (h *hec) ofChannel(w http.ResponseWriter, req *http.Request) *channel {
	id := req.Header.Get("X-Splunk-Request-Channel")
	switch {
	case id == "":
		reply(w, 400, 10, "Data channel is missing")
		return nil
	case !guid.MatchString(id):
		reply(w, 400, 11, "Invalid data channel")
		return nil
	}
	if h.channels[id] == nil {
		h.channels[id] = &channel{state: map[int]bool{}}
	}
	return h.channels[id]
}

func (h *hec) event(w http.ResponseWriter, req *http.Request) {
	var c *channel
	if h.useACK {
		if c = h.ofChannel(w, req); c == nil {
			return
		}
	}
	packed, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	body := packed
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			reply(w, 400, 6, "Invalid data format")
			return
		}
		if body, err = io.ReadAll(z); err != nil {
			reply(w, 400, 6, "Invalid data format")
			return
		}
	}
	if len(body) > h.limit {
		http.Error(w, fmt.Sprintf("Content-Length of %d too large (maximum is %d)", len(body), h.limit), http.StatusRequestEntityTooLarge)
		return
	}
	events, code, text := h.parse(body)
	if code != 0 {
		h.index(c, events) // what comes before the bad one is taken
		reply(w, 400, code, text, "invalid-event-number", len(events))
		return
	}
	h.bodies = append(h.bodies, len(events))
	h.sizes = append(h.sizes, len(body))
	id := h.index(c, events)
	if c == nil {
		reply(w, 200, 0, "Success")
		return
	}
	reply(w, 200, 0, "Success", "ackId", id)
}

func (h *hec) parse(body []byte) (events []got, code int, text string) {
	d := json.NewDecoder(bytes.NewReader(body))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return events, 6, "Invalid data format"
		}
		var all map[string]json.RawMessage
		e := got{raw: string(raw)}
		if json.Unmarshal(raw, &all) != nil || len(raw) == 0 {
			return events, 6, "Invalid data format"
		}
		var flat map[string]string
		if all["fields"] != nil && json.Unmarshal(all["fields"], &flat) != nil {
			return events, 15, "Error in handling indexed fields"
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return events, 6, "Invalid data format"
		}
		switch s := string(e.Event); {
		case s == "":
			return events, 12, "Event field is required"
		case s == `""` || s == "{}" || s == "null":
			return events, 13, "Event field cannot be blank"
		}
		if e.Index != "" && !strings.Contains(strings.Join(h.indexes, " "), e.Index) {
			return events, 7, "Incorrect index"
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		return nil, 5, "No data"
	}
	return events, 0, ""
}

// index takes events, at once or when they are no longer held.
func (h *hec) index(c *channel, events []got) int {
	if c == nil {
		h.indexed = append(h.indexed, events...)
		return 0
	}
	id := c.next
	c.next++
	c.state[id] = false
	c.queue = append(c.queue, batch{id, events})
	if !h.held {
		h.drain()
	}
	return id
}

func (h *hec) drain() {
	for _, c := range h.channels {
		for _, b := range c.queue {
			h.indexed = append(h.indexed, b.events...)
			c.state[b.id] = true
		}
		c.queue = nil
	}
}

// release indexes what was held.
func (h *hec) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = false
	h.drain()
}

// restart loses what is not indexed and knows no channel.
func (h *hec) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.channels = map[string]*channel{}
	h.held = false
}

func (h *hec) ack(w http.ResponseWriter, req *http.Request) {
	if !h.useACK {
		reply(w, 400, 14, "ACK is disabled")
		return
	}
	c := h.ofChannel(w, req)
	if c == nil {
		return
	}
	var question struct{ Acks []int }
	if err := json.NewDecoder(req.Body).Decode(&question); err != nil {
		reply(w, 400, 6, "Invalid data format")
		return
	}
	acks := map[string]bool{}
	for _, id := range question.Acks {
		acks[fmt.Sprint(id)] = c.state[id]
		if c.state[id] {
			delete(c.state, id) // told once
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"acks": acks})
}

// ids are the alert ids of what is indexed.
func (h *hec) ids() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var ids []string
	for _, e := range h.indexed {
		ids = append(ids, e.Fields["alert_id"])
	}
	return ids
}

func (h *hec) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// The faults.

func says(status, code int, text string) fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		reply(w, status, code, text)
		return true
	}
}

func busyFor(seconds string) fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", seconds)
		reply(w, 429, 26, "HEC queue is at capacity and cannot process any more requests")
		return true
	}
}

func reset(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	return true
}

// halfWritten lets the collector take the request, and the answer break off.
func (h *hec) halfWritten(w http.ResponseWriter, req *http.Request) bool {
	full := httptest.NewRecorder()
	h.mu.Lock()
	h.event(full, req)
	h.mu.Unlock()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", full.Body.Len(), full.Body.String()[:full.Body.Len()/2])
	conn.Close()
	return true
}

// silent answers nothing for as long as the client waits.
func silent(_ http.ResponseWriter, req *http.Request) bool {
	_, _ = io.Copy(io.Discard, req.Body)
	<-req.Context().Done()
	return true
}
