package okta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// answer is what is sent, if no fault keeps it from being.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func page(elements [][]byte) answer {
	body := []byte{'['}
	for i, e := range elements {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, e...)
	}
	return answer{status: http.StatusOK, header: http.Header{}, body: append(body, ']')}
}

// failure is an error as Okta writes it (Okta error codes).
func failure(status int, code, summary string, causes ...string) answer {
	type cause struct {
		Summary string `json:"errorSummary"`
	}
	told := struct {
		Code    string  `json:"errorCode"`
		Summary string  `json:"errorSummary"`
		Link    string  `json:"errorLink"`
		ID      string  `json:"errorId"`
		Causes  []cause `json:"errorCauses"`
	}{code, summary, code, "oae" + code, []cause{}}
	for _, c := range causes {
		told.Causes = append(told.Causes, cause{c})
	}
	body, _ := json.Marshal(told) // strings only
	return answer{status: status, header: http.Header{}, body: body}
}

// invalid refuses a parameter (E0000001, "Api validation failed").
func invalid(parameter, why string) answer {
	return failure(http.StatusBadRequest, "E0000001", "Api validation failed: "+parameter, parameter+": "+why)
}

// link adds the links to this page and, unless next is nil, to the one behind it.
func (a answer) link(r *http.Request, next url.Values) answer {
	here := origin(r) + r.URL.Path
	self := here
	if r.URL.RawQuery != "" {
		self += "?" + r.URL.RawQuery
	}
	a.header.Add("Link", "<"+self+`>; rel="self"`)
	if next != nil {
		a.header.Add("Link", "<"+here+"?"+next.Encode()+`>; rel="next"`)
	}
	return a
}

// serve sends an answer, or what is to happen instead.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, next func(*http.Request) answer) {
	f := s.takeFault()
	if f.Kind == Delayed {
		t := time.NewTimer(f.After)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	var a answer
	switch f.Kind {
	case Closed:
		panic(http.ErrAbortHandler) // net/http closes the connection without a word
	case Throttled:
		a = s.throttled(f.After)
	case TimedOut:
		a = failure(http.StatusInternalServerError, "E0000009", "Internal Server Error")
	default:
		a = next(r)
	}
	if f.Kind == Twice {
		a = twice(a)
	}
	s.mu.Lock()
	s.serial++
	request := fmt.Sprintf("simulated%015d", s.serial)
	s.mu.Unlock()
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("Date", s.cfg.Clock().UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Okta-Request-Id", request)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if f.Kind == Cut {
		w.Write(a.body[:len(a.body)/2])
		if flush, ok := w.(http.Flusher); ok {
			flush.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	w.Write(a.body) // whoever asked may be gone
}

// twice repeats the first element at the end of the page, as it comes when a
// page was read again.
func twice(a answer) answer {
	var elements []json.RawMessage
	if json.Unmarshal(a.body, &elements) != nil || len(elements) == 0 {
		return a
	}
	var out [][]byte
	for _, e := range append(elements, elements[0]) {
		out = append(out, e)
	}
	repeated := page(out)
	repeated.header = a.header
	return repeated
}
