package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okta/okta-sdk-golang/v2/okta/query"
	"go.uber.org/goleak"

	"jitaudit/ingest/okta/api"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
)

func TestMain(m *testing.M) {
	// The SDK's token cache has a goroutine that ends when it is collected.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
}

const (
	logsPath  = "/api/v1/logs"
	tokenPath = "/oauth2/v1/token"
	client    = "0oa1jitaudit00000000"
)

// org is a simulated org on a loopback address.
type org struct {
	*okta.Server
	url  string
	now  time.Time
	keys *rsa.PrivateKey
}

// key is one key for all tests; making one takes a while.
var key = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func serve(t *testing.T, change func(*okta.Config)) *org {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{People: 5, Days: 1, Noise: 20, Planted: -1, CallsPerSession: 1})
	if err != nil {
		t.Fatal(err)
	}
	o := &org{keys: key(), now: h.Okta[len(h.Okta)-1].Seen.Add(time.Hour)}
	cfg := okta.Config{
		Org: "example", Events: h.Okta, Clock: func() time.Time { return o.now },
		Token: "00token", ClientID: client, PublicKey: &o.keys.PublicKey,
	}
	if change != nil {
		change(&cfg)
	}
	if o.Server, err = okta.New(cfg); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(o.Server)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

func (o *org) client(t *testing.T, auth api.Auth) *api.Client {
	t.Helper()
	c, err := api.New(api.Config{URL: o.url, Auth: auth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func pkcs1(k *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
}

func pkcs8(t *testing.T, k any) []byte {
	t.Helper()
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})
}

func TestBothWaysToProveWhoAsks(t *testing.T) {
	scopes := []string{"okta.logs.read"}
	for name, auth := range map[string]api.Auth{
		"API token":   {Token: "00token"},
		"app, PKCS 1": {ClientID: client, PrivateKey: pkcs1(key()), Scopes: scopes},
		"app, PKCS 8": {ClientID: client, PrivateKey: pkcs8(t, key()), KeyID: "key1", Scopes: scopes},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, nil)
			c := o.client(t, auth)
			for range 3 {
				page, err := c.Get(t.Context(), logsPath, query.Params{Limit: 10})
				if err != nil || len(page.Elements) != 10 || page.After == "" || !page.Date.Equal(o.now.Truncate(time.Second)) {
					t.Fatalf("page %+v, %v", page, err)
				}
			}
			want := 0
			if auth.ClientID != "" {
				want = 1
			}
			if got := o.Count(tokenPath); got != want {
				t.Errorf("%d requests for a bearer token, want %d", got, want)
			}
		})
	}
}

func TestWhatOktaDoesNotLetIn(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	app := api.Auth{ClientID: client, PrivateKey: pkcs1(key()), Scopes: []string{"okta.logs.read"}}
	for _, tc := range []struct {
		name, want string
		auth       func(*api.Auth)
		org        func(*okta.Config)
	}{
		{"another key", "invalid_client", func(a *api.Auth) { a.PrivateKey = pkcs1(other) }, nil},
		{"another client", "invalid_client", func(a *api.Auth) { a.ClientID = "0oa1other" }, nil},
		{"a scope that was not granted", "invalid_scope", func(a *api.Auth) { a.Scopes = []string{"okta.apps.manage"} }, nil},
		{"a token without the scope", "403", func(a *api.Auth) { a.Scopes = []string{"okta.users.read"} }, nil},
		{"an API token without the right", "E0000006", func(a *api.Auth) { *a = api.Auth{Token: "00token"} }, func(c *okta.Config) { c.Scopes = []string{"okta.users.read"} }},
		{"a wrong API token", "E0000011", func(a *api.Auth) { *a = api.Auth{Token: "00other"} }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			auth := app
			tc.auth(&auth)
			o := serve(t, tc.org)
			_, err := o.client(t, auth).Get(t.Context(), logsPath, query.Params{})
			if !errors.Is(err, api.ErrDenied) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if n := o.Count(logsPath) + o.Count(tokenPath); n > 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRevokedBearerTokenIsReplaced(t *testing.T) {
	o := serve(t, nil)
	c := o.client(t, api.Auth{ClientID: client, PrivateKey: pkcs1(key()), Scopes: []string{"okta.logs.read"}})
	for range 2 {
		if _, err := c.Get(t.Context(), logsPath, query.Params{}); err != nil {
			t.Fatal(err)
		}
		o.RevokeTokens()
	}
	if got := o.Count(tokenPath); got != 2 {
		t.Errorf("%d bearer tokens, want 2", got)
	}
}

// The SDK puts the signed assertion into the URL of the token endpoint, and that
// into its errors.
func TestErrorsDoNotTellTheAssertion(t *testing.T) {
	o := serve(t, nil)
	o.Fail(1000, okta.Fault{Kind: okta.Closed})
	c := o.client(t, api.Auth{ClientID: client, PrivateKey: pkcs1(key()), Scopes: []string{"okta.logs.read"}})
	_, err := c.Get(t.Context(), logsPath, query.Params{})
	if err == nil || errors.Is(err, api.ErrDenied) || strings.Contains(err.Error(), "assertion") || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("got %v", err)
	}
	if n := o.Count(tokenPath); n > 12 {
		t.Errorf("%d requests for a token", n)
	}
}

func TestTokenRequestEndsWithTheContext(t *testing.T) {
	o := serve(t, nil)
	o.Fail(10, okta.Fault{Kind: okta.Delayed, After: time.Minute})
	c := o.client(t, api.Auth{ClientID: client, PrivateKey: pkcs1(key()), Scopes: []string{"okta.logs.read"}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := c.Get(ctx, logsPath, query.Params{}); err == nil || time.Since(begun) > 10*time.Second {
		t.Errorf("returned after %v with %v", time.Since(begun), err)
	}
}

func TestKindsOfErrors(t *testing.T) {
	o := serve(t, nil)
	c := o.client(t, api.Auth{Token: "00token"})
	for _, tc := range []struct {
		name, path string
		q          query.Params
		want       error
		fault      okta.FaultKind
	}{
		{"unknown cursor", logsPath, query.Params{After: "1627500044869_1"}, api.ErrRefused, 0},
		{"page too large", logsPath, query.Params{Limit: 1001}, api.ErrRefused, 0},
		{"unknown group", "/api/v1/groups/00g1nobody/users", query.Params{}, api.ErrNotFound, 0},
		{"query too long", logsPath, query.Params{}, nil, okta.TimedOut},
		{"cut body", logsPath, query.Params{}, nil, okta.Cut},
	} {
		if tc.fault != 0 {
			o.Fail(1, okta.Fault{Kind: tc.fault})
		}
		_, err := c.Get(t.Context(), tc.path, tc.q)
		permanent := errors.Is(err, api.ErrDenied) || errors.Is(err, api.ErrRefused) || errors.Is(err, api.ErrNotFound)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || tc.want == nil && permanent {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	o := serve(t, nil)
	var outcomes []string
	c, err := api.New(api.Config{URL: o.url, Auth: api.Auth{Token: "00token"}, Count: func(s string) { outcomes = append(outcomes, s) }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	o.Fail(1, okta.Fault{Kind: okta.Throttled, After: -time.Second})
	if _, err := c.Get(t.Context(), logsPath, query.Params{}); err != nil {
		t.Fatal(err)
	}
	o.Fail(1, okta.Fault{Kind: okta.TimedOut})
	if _, err := c.Get(t.Context(), logsPath, query.Params{}); err == nil {
		t.Fatal("succeeded")
	}
	if want := []string{"throttled", "ok", "failed"}; !slices.Equal(outcomes, want) {
		t.Errorf("got %v, want %v", outcomes, want)
	}
}

func TestConfigThatCannotWork(t *testing.T) {
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token, scopes := api.Auth{Token: "secret"}, []string{"okta.logs.read"}
	for _, tc := range []struct {
		name, url, want string
		auth            api.Auth
	}{
		{"no URL", "", "https://example.okta.com", token},
		{"no scheme", "example.okta.com", "https://example.okta.com", token},
		{"path", "https://example.okta.com/api/v1", "alone", token},
		{"password", "https://ada:secret@example.okta.com", "alone", token},
		{"admin console", "https://example-admin.okta.com", "leave -admin out", token},
		{"plain http", "http://example.okta.com", "https", token},
		{"nobody", "https://example.okta.com", "neither", api.Auth{}},
		{"two ways", "https://example.okta.com", "keep one", api.Auth{Token: "secret", ClientID: client}},
		{"no scope", "https://example.okta.com", "no scope", api.Auth{ClientID: client, PrivateKey: pkcs1(key())}},
		{"no PEM", "https://example.okta.com", "no PEM", api.Auth{ClientID: client, PrivateKey: []byte("secret"), Scopes: scopes}},
		{"elliptic key", "https://example.okta.com", "no RSA private key", api.Auth{ClientID: client, PrivateKey: pkcs8(t, elliptical), Scopes: scopes}},
	} {
		_, err := api.New(api.Config{URL: tc.url, Auth: tc.auth})
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestAuthIsNotPrinted(t *testing.T) {
	a := api.Auth{Token: "secret", PrivateKey: []byte("secret")}
	if got := fmt.Sprintf("%v %+v %#v %s", a, a, a, a); strings.Contains(got, "secret") {
		t.Error(got)
	}
}

// What stands in the environment is the SDK's configuration, not ours.
func TestEnvironmentChangesNothing(t *testing.T) {
	t.Setenv("OKTA_CLIENT_TOKEN", "00other")
	t.Setenv("OKTA_CLIENT_ORGURL", "https://other.example.com")
	t.Setenv("OKTA_CLIENT_AUTHORIZATIONMODE", "Bearer")
	t.Setenv("OKTA_CLIENT_CACHE_ENABLED", "true")
	o := serve(t, nil)
	c := o.client(t, api.Auth{Token: "00token"})
	for range 2 {
		if _, err := c.Get(t.Context(), logsPath, query.Params{}); err != nil {
			t.Fatal(err)
		}
	}
	if o.Count(logsPath) != 2 {
		t.Errorf("%d requests, want 2", o.Count(logsPath))
	}
}

var _ http.Handler = (*org)(nil)

// Such a token could be in no header, and would be tried for ever.
func TestATokenWithALineBreakIsRefusedAtOnce(t *testing.T) {
	for _, token := range []string{"00token\n", " 00token", "00to\x00ken", "00tökén"} {
		_, err := api.New(api.Config{URL: "https://example.okta.com", Auth: api.Auth{Token: token}})
		if err == nil || !strings.Contains(err.Error(), "look at where it is read from") || strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
}
