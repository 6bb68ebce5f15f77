package splunk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"jitaudit/internal/visible"
)

// answer is what HEC says. Its codes are in Splunk's "Troubleshoot HTTP Event
// Collector", possible error codes.
type answer struct {
	Code  *int            `json:"code"`
	AckID *json.Number    `json:"ackId"`
	Acks  map[string]bool `json:"acks"`
}

// The codes that are told apart.
const (
	codeInvalidFormat  = 6
	codeIncorrectIndex = 7
	codeNoChannel      = 10
	codeBadChannel     = 11
	codeNoEvent        = 12
	codeBlankEvent     = 13
	codeAckDisabled    = 14
	codeBadFields      = 15
)

// parse reads an answer; one that is not of HEC has no code.
func parse(said []byte) answer {
	var a answer
	if err := json.Unmarshal(said, &a); err != nil {
		return answer{}
	}
	return a
}

func (a answer) ackID() (int64, error) {
	if a.AckID == nil {
		return 0, errors.New("the answer has no ackId")
	}
	return a.AckID.Int64()
}

// is reports whether the answer has the code.
func (a answer) is(code int) bool { return a.Code != nil && *a.Code == code }

// errAckDisabled is that the token does not acknowledge.
var errAckDisabled = errors.New("enable indexer acknowledgement for the token, or set ack: false")

// judge says whether to try again what the collector did not accept. It answers
// 400 to much that says nothing against the events: an index that the token must
// not write to, a channel that is missing. That is to be mended, and loses nothing
// by waiting. Only what it says of the events themselves refuses them. Without a
// code the status decides, as for every receiver.
func judge(a answer, retry bool, err error, cfg Config) (bool, error) {
	if a.Code == nil {
		return retry, err
	}
	switch *a.Code {
	case codeInvalidFormat, codeNoEvent, codeBlankEvent, codeBadFields:
		return false, err
	case codeIncorrectIndex:
		return true, fmt.Errorf("%w (allow the token to write to index %q, or see whether it exists)", err, cfg.Index)
	case codeNoChannel:
		return true, fmt.Errorf("%w (the token wants indexer acknowledgement: set ack: true)", err)
	case codeAckDisabled:
		return true, fmt.Errorf("%w (%w)", err, errAckDisabled)
	}
	return true, err
}

// mostRefused is after how many refused events the rest of a notice is not tried.
const mostRefused = 10

// refusedError is about events that the collector will never take.
type refusedError struct {
	n     int
	ids   []string
	first error
}

func (e *refusedError) add(id string, err error) {
	if e.n == 0 {
		e.first = err
	}
	e.n++
	e.ids = append(e.ids, visible.Clip(id, fieldLimit))
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("Splunk refuses %s: %v", strings.Join(e.ids, ", "), e.first)
}

func (e *refusedError) Unwrap() error { return e.first }
