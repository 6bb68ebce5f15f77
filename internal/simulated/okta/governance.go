package okta

import (
	"encoding/json"
	"net/http"
	"time"
)

// Request is a request for access as the governance API gives it, from a time on.
type Request struct {
	ID string
	// Seen is from when on Okta answers so; of several that have come the latest
	// counts.
	Seen time.Time
	// JSON is the request in full (Okta Identity Governance API, requests v2).
	JSON []byte
}

// knownRequests are the requests at the clock, by id.
func (s *Server) knownRequests() map[string]*Request {
	now, out := s.cfg.Clock(), make(map[string]*Request)
	for i := range s.cfg.Requests {
		q := &s.cfg.Requests[i]
		if before := out[q.ID]; !q.Seen.After(now) && (before == nil || !q.Seen.Before(before.Seen)) {
			out[q.ID] = q
		}
	}
	return out
}

// getRequest is GET /governance/api/v2/requests/{id}.
func (s *Server) getRequest(r *http.Request) answer {
	id := r.PathValue("id")
	if q := s.knownRequests()[id]; q != nil {
		return answer{status: http.StatusOK, header: http.Header{}, body: q.JSON}
	}
	return failure(http.StatusNotFound, "E0000007", "Not found: Resource not found: "+id+" (Request)")
}

// listRequests is GET /governance/api/v2/requests, of which only that it answers is
// simulated: one page, in no order.
func (s *Server) listRequests(r *http.Request) answer {
	page := struct {
		Data  []json.RawMessage `json:"data"`
		Links struct {
			Self struct {
				Href string `json:"href"`
			} `json:"self"`
		} `json:"_links"`
	}{Data: []json.RawMessage{}}
	page.Links.Self.Href = origin(r) + r.URL.RequestURI()
	for _, q := range s.knownRequests() {
		page.Data = append(page.Data, q.JSON)
	}
	body, err := json.Marshal(page)
	if err != nil {
		return failure(http.StatusInternalServerError, "E0000009", "Internal Server Error")
	}
	return answer{status: http.StatusOK, header: http.Header{}, body: body}
}
