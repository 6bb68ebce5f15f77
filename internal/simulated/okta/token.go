package okta

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v3/jwt"
)

// The scopes of what is answered here.
const (
	scopeLogs   = "okta.logs.read"
	scopeGroups = "okta.groups.read"
	scopeUsers  = "okta.users.read"

	scopeRequests = "okta.accessRequests.request.read"
)

// bearer is an access token that was handed out.
type bearer struct {
	scopes  []string
	expires time.Time
}

// authorize tells who may ask (Okta API: SSWS and OAuth for Okta).
func (s *Server) authorize(r *http.Request, scope string) (refusal answer, ok bool) {
	invalidToken := failure(http.StatusUnauthorized, "E0000011", "Invalid token provided")
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case kind == "SSWS" && token != "" && token == s.cfg.Token:
		if !slices.Contains(s.cfg.Scopes, scope) {
			return failure(http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action"), false
		}
		return answer{}, true
	case kind == "Bearer":
		s.mu.Lock()
		b, known := s.tokens[token]
		s.mu.Unlock()
		if !known || !time.Now().Before(b.expires) {
			return challenge(r, invalidToken, "", "invalid_token", "The access token is invalid or has expired."), false
		}
		if !slices.Contains(b.scopes, scope) {
			a := failure(http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")
			return challenge(r, a, scope, "insufficient_scope", "The access token provided does not contain the required scopes."), false
		}
		return answer{}, true
	}
	return invalidToken, false
}

// challenge adds the header that Okta's SDK prefers to the body.
func challenge(r *http.Request, a answer, scope, code, description string) answer {
	parts := []string{`Bearer authorization_uri="` + origin(r) + `/oauth2/v1/authorize"`, `realm="` + origin(r) + `"`}
	if scope != "" {
		parts = append(parts, `scope="`+scope+`"`)
	}
	parts = append(parts, `error="`+code+`"`, `error_description="`+description+`"`, `resource="`+r.URL.Path+`"`)
	a.header.Set("WWW-Authenticate", strings.Join(parts, ", "))
	return a
}

// token is POST /oauth2/v1/token of the org's authorization server: client
// credentials, proved by a private_key_jwt. Its times are those of the machine
// and not of the clock, because whoever asks signs with the machine's.
func (s *Server) token(r *http.Request) answer {
	switch {
	case r.FormValue("grant_type") != "client_credentials":
		return oauthFailure(http.StatusBadRequest, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
	case r.FormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
		return oauthFailure(http.StatusUnauthorized, "invalid_client", "No client credentials found.")
	}
	if why := s.refuseAssertion(r); why != "" {
		return oauthFailure(http.StatusUnauthorized, "invalid_client", why)
	}
	scopes := strings.Fields(r.FormValue("scope"))
	for _, scope := range scopes {
		if !slices.Contains(s.cfg.Scopes, scope) {
			return oauthFailure(http.StatusBadRequest, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
		}
	}
	if len(scopes) == 0 {
		return oauthFailure(http.StatusBadRequest, "invalid_scope", "The authorization server resource does not have any configured default scopes, 'scope' must be provided.")
	}
	name := rand.Text() + rand.Text()
	s.mu.Lock()
	s.tokens[name] = bearer{scopes, time.Now().Add(s.cfg.TokenLifetime)}
	s.mu.Unlock()
	body, _ := json.Marshal(struct {
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Token   string `json:"access_token"`
		Scope   string `json:"scope"`
	}{"Bearer", int(s.cfg.TokenLifetime / time.Second), name, strings.Join(scopes, " ")}) // strings only
	return answer{status: http.StatusOK, header: http.Header{}, body: body}
}

// refuseAssertion says why a client assertion is not the app's, else "".
func (s *Server) refuseAssertion(r *http.Request) string {
	assertion, err := jwt.ParseSigned(r.FormValue("client_assertion"))
	if err != nil || len(assertion.Headers) != 1 || assertion.Headers[0].Algorithm != "RS256" {
		return "The client_assertion token is not a JWT signed with RS256."
	}
	if s.cfg.PublicKey == nil {
		return "The client does not exist."
	}
	var claims jwt.Claims
	if err := assertion.Claims(s.cfg.PublicKey, &claims); err != nil {
		return "The client_assertion signature is invalid."
	}
	now := time.Now()
	switch {
	case claims.Issuer != s.cfg.ClientID || claims.Subject != s.cfg.ClientID:
		return "The client_assertion token must name the client as issuer and subject."
	case !claims.Audience.Contains(origin(r) + "/oauth2/v1/token"):
		return "The audience claim for client_assertion must be the endpoint invoked for the request."
	case claims.Expiry == nil || !now.Before(claims.Expiry.Time()):
		return "The client_assertion token is expired."
	case claims.Expiry.Time().After(now.Add(time.Hour + 5*time.Minute)):
		return "The client_assertion token has an expiration too far into the future."
	}
	return ""
}

// RevokeTokens makes every bearer token invalid that was handed out so far.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

func oauthFailure(status int, code, description string) answer {
	body, _ := json.Marshal(map[string]string{"error": code, "error_description": description}) // strings only
	return answer{status: status, header: http.Header{}, body: body}
}
