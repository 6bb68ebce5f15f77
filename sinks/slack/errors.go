package slack

import (
	"errors"
	"fmt"
	"net"

	"jitaudit/sinks/alerts"
)

// callError is a call that failed.
type callError struct {
	method string
	// code is Slack's, where it answered with one; said has what it means.
	code, said string
	// retry says that the same may succeed later; unclear, that it may have been
	// done all the same.
	retry, unclear bool
	err            error
}

func (e *callError) Error() string {
	if e.err != nil {
		return fmt.Sprintf("slack: %s: %v", e.method, e.err)
	}
	return fmt.Sprintf("slack: %s answered %s", e.method, e.said)
}

func (e *callError) Unwrap() error { return e.err }

// errUnreadable marks an answer that is not Slack's JSON, or longer than is read.
var errUnreadable = errors.New("it is no JSON, or too long (see whether a proxy answers in Slack's place)")

// mayPass reports whether trying again may help. What is no answer of Slack's, such
// as an ended context, may.
func mayPass(err error) bool {
	var e *callError
	return !errors.As(err, &e) || e.retry
}

func unclear(err error) bool {
	var e *callError
	return errors.As(err, &e) && e.unclear
}

func code(err error) string {
	var e *callError
	if errors.As(err, &e) {
		return e.code
	}
	return ""
}

// reached reports whether a request may have been done although it failed: not
// where nobody was connected to, or where it was put off.
func reached(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return alerts.Delay(err) == 0
}

// kind is what a code of Slack's asks for.
type kind int

const (
	other    kind = iota // not known here: tried again, so that nothing is lost
	passing              // by itself
	operator             // somebody has to mend it
	refused              // the message is at fault
)

// judge knows the codes of chat.postMessage and of the methods around it (Slack: Web
// API, errors of chat.postMessage), and what an operator can do.
func judge(code string) (kind, string) {
	switch code {
	case "ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable", "request_timeout",
		"message_limit_exceeded", "team_added_to_org", "accesslimited":
		return passing, ""
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text",
		"metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema", "attachment_payload_limit_exceeded",
		"invalid_arguments", "invalid_json", "json_not_object", "invalid_post_type", "invalid_charset":
		return refused, ""
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return operator, "the token is not valid, or no longer: install the app again and set the new token"
	case "not_allowed_token_type", "metadata_must_be_sent_from_app":
		return operator, "the token is of another kind: set the app's bot token, xoxb-…"
	case "missing_scope", "no_permission":
		return operator, "the app lacks a scope: add it as in examples/slack/manifest.yaml and install the app again"
	case "channel_not_found":
		return operator, "there is no such channel, or it is private and the app is not in it: see whether the id is right, and /invite the app"
	case "not_in_channel":
		return operator, "the app is not in the channel: /invite it there"
	case "is_archived":
		return operator, "the channel is archived: restore it, or configure another"
	case "messages_tab_disabled":
		return operator, "the app's messages tab is off: turn it on as in examples/slack/manifest.yaml"
	case "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"restricted_action_non_threadable_channel", "app_access_restricted", "access_denied", "ekm_access_denied",
		"org_login_required", "team_access_not_granted", "enterprise_is_restricted":
		return operator, "the workspace does not allow the app to do this: ask its administrators"
	}
	return other, ""
}

// refusal is an answer that is not ok.
func refusal(method, code, needed, details string) error {
	kind, advice := judge(code)
	said := code
	if code == "" {
		said = "neither ok nor an error"
	}
	if advice != "" {
		said += ": " + advice
	}
	if needed != "" {
		said += " (needed: " + needed + ")"
	}
	if details != "" {
		said += ": " + details
	}
	e := &callError{method: method, code: code, said: said, retry: kind != refused}
	switch code {
	case "fatal_error", "internal_error", "service_unavailable", "request_timeout":
		e.unclear = true // Slack: "some aspect of the operation" may have succeeded
	}
	return e
}

// threadGone reports whether it is the thread that does not take answers.
func threadGone(err error) bool {
	switch code(err) {
	case "thread_not_found", "invalid_thread_ts", "message_not_found", "cannot_reply_to_message", "restricted_action_thread_locked":
		return true
	}
	return false
}
