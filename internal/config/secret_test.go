package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"jitaudit/internal/config"
)

// holder keeps a secret where fmt may not call its methods.
type holder struct {
	secret config.Secret
	Shown  config.Secret
}

func TestSecretIsNeverPrinted(t *testing.T) {
	value := secrets()[0]
	s := config.NewSecret(value)
	c := mustParse(t, "okta: [{org: a, url: 'https://a.okta.com', token: '${TOKEN}'}]\naws: {accounts: [{account: 111111111111}], access_key_id: AKIAEXAMPLE, secret_access_key_file: testdata/secrets/token}")
	if c.Okta[0].Token.Reveal() != value || c.AWS.SecretAccessKey.Reveal() != secrets()[1] {
		t.Fatal("the secrets are not those of the environment and the file")
	}
	for name, v := range map[string]any{
		"value": s, "pointer": &s, "slice": []config.Secret{s}, "map": map[config.Secret]config.Secret{s: s},
		"unexported field": holder{s, s}, "pointer to it": &holder{s, s},
		"config": c, "config value": *c, "org": c.Okta, "aws": c.AWS, "error": fmt.Errorf("with %v", s),
	} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3s", "%p", "%c"} {
				out := fmt.Sprintf(verb, v)
				noSecrets(t, verb, out)
				if strings.Contains(out, fmt.Sprintf("%x", value)) {
					t.Errorf("%s shows it in hex: %s", verb, out)
				}
			}
			var log bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				slog.New(h).With("with", v).Info("message", "attr", v, slog.Group("group", "in", v))
			}
			noSecrets(t, "slog", log.String())
			if b, err := json.Marshal(v); err == nil {
				noSecrets(t, "JSON", string(b))
			}
			if b, err := yaml.Dump(v); err == nil {
				noSecrets(t, "YAML", string(b))
			}
		})
	}
}

func TestSecretShowsWhetherThereIsOne(t *testing.T) {
	none, some := config.Secret{}, config.NewSecret("x")
	if got := fmt.Sprintf("%v|%s|%q|%#v", none, none, none, none); got != `||""|config.Secret("")` {
		t.Errorf("none: %s", got)
	}
	if got := fmt.Sprintf("%v|%s|%q|%#v", some, some, some, some); got != `[redacted]|[redacted]|"[redacted]"|config.Secret("[redacted]")` {
		t.Errorf("one: %s", got)
	}
	if !none.IsZero() || some.IsZero() || none.Reveal() != "" || some.Reveal() != "x" {
		t.Error("what there is is not told")
	}
	if !none.Equal(config.Secret{}) || none.Equal(some) || !some.Equal(config.NewSecret("x")) || some.Equal(config.NewSecret("y")) {
		t.Error("equal is not what has one value")
	}
}

func TestSecretFromAFileLosesItsLineEnd(t *testing.T) {
	for _, tt := range []struct{ content, want string }{
		{"a", "a"}, {"a\n", "a"}, {"a\r\n", "a"}, {"a\n\n", "a\n"}, {" a \n", " a "}, {"a\nb\n", "a\nb"},
	} {
		env := testEnv()
		env.ReadFile = func(string) ([]byte, error) { return []byte(tt.content), nil }
		c, err := config.Parse("c.yaml", []byte("clickhouse: {url: 'https://c', user: a, password_file: p}"), env)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ClickHouse.Password.Reveal(); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.content, got, tt.want)
		}
	}
}

func TestSecretFileIsBoundedAndItsErrorsHideIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		read func(string) ([]byte, error)
		want string
	}{
		{"long", func(string) ([]byte, error) { return bytes.Repeat([]byte(secrets()[0]), 10_000), nil }, "no secret is that long"},
		{"not readable", func(path string) ([]byte, error) { return nil, errors.New("permission denied") }, "permission denied"},
		{"only a line end", func(string) ([]byte, error) { return []byte("\r\n"), nil }, "is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := testEnv()
			env.ReadFile = tt.read
			_, err := config.Parse("c.yaml", []byte("clickhouse: {url: 'https://c', user: a, password_file: '${SECRET}/p'}"), env)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			noSecrets(t, "the error", err.Error())
		})
	}
}

func TestEffectiveHidesSecretsThatWereSetByTheProgram(t *testing.T) {
	c := config.Default(testEnv())
	c.ClickHouse.Password = config.NewSecret(secrets()[0])
	noSecrets(t, "Effective", string(c.Effective()))
	if !bytes.Contains(c.Effective(), []byte("password: '[redacted]'")) {
		t.Errorf("no placeholder:\n%s", c.Effective())
	}
}

func TestEffectiveShowsWhatTheProgramChanged(t *testing.T) {
	c := mustParse(t, "http: {addr: ':${PORT}'}")
	c.HTTP.Addr = ":1"
	if got := string(c.Effective()); !strings.Contains(got, "addr: :1\n") {
		t.Errorf("the address is not the one in force:\n%s", got)
	}
}
