package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"jitaudit/internal/visible"
	"jitaudit/sinks/post"
)

// api is Slack's Web API, as far as it is needed here.
type api struct {
	client *post.Client
	token  string
}

const (
	asJSON = "application/json; charset=utf-8"
	// All methods take forms; those that read did not always take JSON.
	asForm = "application/x-www-form-urlencoded"
)

// postMessage calls chat.postMessage and returns the message's ts.
func (a *api) postMessage(ctx context.Context, m *message) (ts string, err error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encode the message: %w", err)
	}
	var answer struct {
		TS string `json:"ts"`
	}
	if err := a.call(ctx, "chat.postMessage", asJSON, body, &answer); err != nil {
		return "", err
	}
	if answer.TS == "" {
		return "", &callError{method: "chat.postMessage", retry: true, unclear: true, err: errors.New("the answer has no ts")}
	}
	return answer.TS, nil
}

// user is what users.lookupByEmail says of somebody.
type user struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
	Bot     bool   `json:"is_bot"`
}

func (a *api) lookupByEmail(ctx context.Context, email string) (user, error) {
	var answer struct {
		User user `json:"user"`
	}
	err := a.call(ctx, "users.lookupByEmail", asForm, form("email", email), &answer)
	return answer.User, err
}

// open calls conversations.open and returns the id of the direct messages with
// somebody.
func (a *api) open(ctx context.Context, userID string) (string, error) {
	var answer struct {
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
	}
	err := a.call(ctx, "conversations.open", asForm, form("users", userID), &answer)
	return answer.Channel.ID, err
}

// page is what conversations.history and conversations.replies answer.
type page struct {
	Messages []posted `json:"messages"`
	More     bool     `json:"has_more"`
	Next     struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

// posted is a message of whomever.
type posted struct {
	TS       string `json:"ts"`
	Thread   string `json:"thread_ts"`
	Metadata struct {
		Type    string          `json:"event_type"`
		Payload json.RawMessage `json:"event_payload"`
	} `json:"metadata"`
}

// messages reads a page of a channel's messages, the newest first, or of a thread's.
func (a *api) messages(ctx context.Context, at place, oldest, latest float64, limit int, cursor string) (*page, error) {
	method := "conversations.history"
	values := []string{
		"channel", at.channel, "include_all_metadata", "true", "limit", strconv.Itoa(limit),
		"oldest", timestamp(oldest),
	}
	if at.thread != "" {
		method = "conversations.replies"
		values = append(values, "ts", at.thread)
	} else {
		values = append(values, "latest", timestamp(latest)) // else it begins with the oldest
	}
	if cursor != "" {
		values = append(values, "cursor", cursor)
	}
	var p page
	if err := a.call(ctx, method, asForm, form(values...), &p); err != nil {
		return nil, err
	}
	return &p, nil
}

func timestamp(unix float64) string { return strconv.FormatFloat(unix, 'f', 6, 64) }

func form(pairs ...string) []byte {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return []byte(v.Encode())
}

// call calls a method; Slack's refusals, and all others, are *callError.
func (a *api) call(ctx context.Context, method, contentType string, body []byte, out any) error {
	header := http.Header{"Authorization": {"Bearer " + a.token}, "Content-Type": {contentType}}
	answer, retry, err := a.client.Post(ctx, method, header, body)
	if err != nil {
		return &callError{method: method, retry: retry, unclear: retry && reached(err), err: err}
	}
	var status struct {
		OK       bool   `json:"ok"`
		Error    string `json:"error"`
		Needed   string `json:"needed"`
		Metadata struct {
			Messages []string `json:"messages"`
		} `json:"response_metadata"`
	}
	if err := json.Unmarshal(answer, &status); err != nil {
		return &callError{method: method, retry: true, unclear: true, err: fmt.Errorf("read the answer of %d bytes: %w", len(answer), errUnreadable)}
	}
	if !status.OK {
		return refusal(method, a.shown(status.Error, 100), a.shown(status.Needed, 100), a.shown(strings.Join(status.Metadata.Messages, "; "), 300))
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &callError{method: method, retry: true, unclear: true, err: fmt.Errorf("read the answer of %d bytes: %w", len(answer), errUnreadable)}
	}
	return nil
}

// shown is what of an answer may stand in an error.
func (a *api) shown(s string, bytes int) string {
	return visible.Clip(strings.ReplaceAll(s, a.token, "***"), bytes)
}
