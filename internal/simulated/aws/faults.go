package aws

import "net/http"

// Fault is how the next lookups and lists of users go wrong.
type Fault string

// The faults.
const (
	// Throttled answers ThrottlingException whatever the rate is.
	Throttled Fault = "throttled"
	// Failed answers 500 InternalFailure.
	Failed Fault = "failed"
	// Closed closes the connection without an answer.
	Closed Fault = "closed"
	// Cut closes the connection in the middle of an answer's body.
	Cut Fault = "cut"
	// Slow answers nothing until the client gives up.
	Slow Fault = "slow"
)

// Fail lets the next n lookups or lists of users fail, after those that earlier calls asked for.
func (s *Server) Fail(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.faults = append(s.faults, f)
	}
}

// ExpireTokens makes every NextToken given out so far invalid.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenKey = random(32)
}

// ExpireSessions ends all sessions that AssumeRole has opened.
func (s *Server) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, o := range s.sessions {
		o.ended = true
		s.sessions[key] = o
	}
}

// fault takes the next fault, if there is one.
func (s *Server) fault() (f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) > 0 {
		f, s.faults = s.faults[0], s.faults[1:]
	}
	return f
}

func (f Fault) answer() answer {
	switch f {
	case Throttled:
		return jsonRefusal(throttled())
	case Failed:
		return jsonRefusal(refuse(http.StatusInternalServerError, "InternalFailure", "An internal error occurred"))
	case Cut:
		a := jsonAnswer(http.StatusOK, lookupOutput{Events: []listed{}})
		a.fault = f
		return a
	}
	return answer{fault: f}
}
