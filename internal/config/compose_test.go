package config_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"jitaudit/correlate/policy"
	"jitaudit/internal/config"
)

// root is the top folder, where docker-compose.yml lies.
const root = "../.."

// composeFile is what these tests need of docker-compose.yml.
type composeFile struct {
	Services map[string]service `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
	} `yaml:"networks"`
	Volumes map[string]any `yaml:"volumes"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       map[string]any    `yaml:"build"`
	Platform    string            `yaml:"platform"`
	User        string            `yaml:"user"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
	Privileged  bool              `yaml:"privileged"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Networks    []string          `yaml:"networks"`
	NetworkMode string            `yaml:"network_mode"`
	Profiles    []string          `yaml:"profiles"`
	Healthcheck struct {
		Test    []string `yaml:"test"`
		Disable bool     `yaml:"disable"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
}

// ours reports whether it is a role of jitaudit.
func (s service) ours() bool { return s.Build != nil }

// variable matches a reference of docker-compose.yml: ${NAME}, ${NAME:-default},
// ${NAME:?what to do}.
var variable = regexp.MustCompile(`\$\{([A-Z_]+)(?::([-?])([^}]*))?\}`)

func compose(t *testing.T) composeFile {
	t.Helper()
	text := variable.ReplaceAllStringFunc(string(read(t, root+"/docker-compose.yml")), func(ref string) string {
		m := variable.FindStringSubmatch(ref)
		if m[2] == "-" {
			return m[3]
		}
		return "value-of-" + m[1]
	})
	var c composeFile
	if err := yaml.Load([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 6 {
		t.Fatalf("%d services", len(c.Services))
	}
	return c
}

func TestComposeRunsNothingAsRoot(t *testing.T) {
	user := regexp.MustCompile(`^[1-9][0-9]*:[0-9]+$`)
	for name, s := range compose(t).Services {
		if !user.MatchString(s.User) || s.Privileged || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: user %q, privileged %t, security_opt %v", name, s.User, s.Privileged, s.SecurityOpt)
		}
		if s.ours() && (!s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"})) {
			t.Errorf("%s: read_only %t, cap_drop %v", name, s.ReadOnly, s.CapDrop)
		}
	}
	for name, s := range images(t) {
		if !strings.Contains(s.text, "\nUSER 65532:65532\n") {
			t.Errorf("image %s does not run as 65532:65532", name)
		}
	}
}

// Named volumes are those that are declared, what is mounted exists, and nothing
// is mounted to be written but the volumes.
func TestComposeMountsWhatExists(t *testing.T) {
	c := compose(t)
	used := map[string]bool{}
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			parts := strings.Split(v, ":")
			if len(parts) < 2 {
				t.Errorf("%s: volume %q", name, v)
				continue
			}
			if !strings.HasPrefix(parts[0], "./") {
				used[parts[0]] = true
				if _, ok := c.Volumes[parts[0]]; !ok {
					t.Errorf("%s: volume %s is not declared", name, parts[0])
				}
				continue
			}
			if _, err := os.Stat(filepath.Join(root, parts[0])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if len(parts) != 3 || parts[2] != "ro" {
				t.Errorf("%s: %s is not mounted read-only", name, parts[0])
			}
		}
	}
	for v := range c.Volumes {
		if !used[v] {
			t.Errorf("volume %s is used by nobody", v)
		}
	}
}

func TestComposeVariablesAreDocumented(t *testing.T) {
	text := regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(string(read(t, root+"/docker-compose.yml")), "")
	example := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(read(t, root+"/examples/compose/.env.example")), -1) {
		example[m[1]] = m[2]
	}
	secret := regexp.MustCompile(`PASSWORD|TOKEN|SECRET|KEY`)
	used := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		name, how, what := m[1], m[2], m[3]
		used[name] = true
		def, ok := example[name]
		switch {
		case !ok:
			t.Errorf("examples/compose/.env.example does not name %s", name)
		case how == "-" && def != what:
			t.Errorf("%s is by default %q, the example says %q", name, what, def)
		case how == "?" && (def != "" || !strings.Contains(what, ".env") && !strings.Contains(what, "set ")):
			t.Errorf("%s must be set by whoever starts it, but is %q in the example; message %q", name, def, what)
		case how == "" || secret.MatchString(name) && what == "":
			if name != "AWS_SESSION_TOKEN" { // which only temporary credentials have
				t.Errorf("%s may be left empty: write ${%s:?what to set}", name, name)
			}
		}
		if secret.MatchString(name) && def != "" {
			t.Errorf("the example has a secret: %s", name)
		}
	}
	for name := range example {
		if !used[name] {
			t.Errorf("examples/compose/.env.example names %s, which nothing uses", name)
		}
	}
}

// roles are the services that run a role, with the configuration they mount.
func roles(t *testing.T) map[config.Role]*config.Config {
	t.Helper()
	out := map[config.Role]*config.Config{}
	for name, s := range compose(t).Services {
		if !s.ours() || len(s.Profiles) > 0 {
			continue
		}
		verb, file, ok := strings.Cut(strings.Join(s.Command, " "), " --config ")
		if !ok {
			t.Fatalf("%s: %v names no configuration", name, s.Command)
		}
		out[config.Role(verb)] = mounted(t, name, s, file)
	}
	return out
}

// mounted reads the configuration of a service as its container would: with the
// files that are mounted and the environment that is set.
func mounted(t *testing.T, name string, s service, file string) *config.Config {
	t.Helper()
	hosts := map[string]string{}
	for _, v := range s.Volumes {
		if parts := strings.Split(v, ":"); strings.HasPrefix(parts[0], "./") {
			hosts[parts[1]] = filepath.Join(root, parts[0])
		}
	}
	values := map[string]string{
		"OKTA_ORG": "example", "OKTA_URL": "https://example.okta.com", "AWS_ACCOUNT": "111111111111",
		"AWS_ROLE_ARN_TO_ASSUME": "arn:aws:iam::111111111111:role/jitaudit",
	}
	env := config.Environment{
		Lookup: func(n string) (string, bool) {
			v, ok := s.Environment[n]
			if given, known := values[n]; ok && known {
				return given, true
			}
			return v, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			host, ok := hosts[path]
			if !ok {
				return nil, fmt.Errorf("%s is not mounted", path)
			}
			return os.ReadFile(host)
		},
	}
	c, err := config.Load(file, env)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, p := range c.Policy {
		data, err := env.ReadFile(p)
		if err != nil {
			t.Errorf("%s: policy %v", name, err)
		} else if _, err := policy.Parse(p, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return c
}

func TestComposeConfigurationsAreThoseOfTheirRoles(t *testing.T) {
	got := roles(t)
	want := []config.Role{config.RoleCollect, config.RoleCorrelate, config.RoleSinkClickHouse}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Fatalf("roles %v, want %v", names, want)
	}
	for role, c := range got {
		if err := c.Validate(role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// Who connects where: each address that a configuration names is a service of
// the file, on a port that it listens on, in a network that both are in.
func TestComposeServicesReachEachOther(t *testing.T) {
	c := compose(t)
	listening := map[string]string{"kafka": "9092", "clickhouse": "8123", "grafana": "3000"}
	if l := c.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]; l != "PLAINTEXT://kafka:"+listening["kafka"] {
		t.Errorf("Kafka says it is at %s", l)
	}
	reach := func(from, addr string) {
		t.Helper()
		host, port, err := net.SplitHostPort(addr)
		if err != nil || listening[host] != port {
			t.Errorf("%s connects to %s, where nothing listens", from, addr)
		}
		if !slices.Contains(c.Services[host].Networks, "inside") || !slices.Contains(c.Services[from].Networks, "inside") {
			t.Errorf("%s can't reach %s", from, host)
		}
		if c.Services[from].DependsOn[host].Condition != "service_healthy" {
			t.Errorf("%s does not wait for %s to be healthy", from, host)
		}
	}
	for role, conf := range roles(t) {
		from := strings.ReplaceAll(string(role), " ", "-")
		for _, b := range conf.Kafka.Brokers {
			reach(from, b)
		}
		if conf.Kafka.Replication != 1 {
			t.Errorf("%s asks one broker for %d copies", from, conf.Kafka.Replication)
		}
		if u, err := url.Parse(conf.ClickHouse.URL); err == nil && u.Host != "" {
			reach(from, u.Host)
		}
	}
	var grafana struct {
		Datasources []struct {
			JSONData struct {
				Host, Username, DefaultDatabase string
				Port                            int
			} `yaml:"jsonData"`
		}
	}
	var raw map[string]any
	if err := yaml.Load(read(t, root+"/examples/compose/grafana/datasources/jitaudit.yaml"), &raw); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &grafana); err != nil || len(grafana.Datasources) != 1 {
		t.Fatalf("the data source: %v", err)
	}
	d := grafana.Datasources[0].JSONData
	reach("grafana", fmt.Sprintf("%s:%d", d.Host, d.Port))
	if sink := roles(t)[config.RoleSinkClickHouse]; d.DefaultDatabase != sink.ClickHouse.Database {
		t.Errorf("Grafana reads database %s, the sink writes %s", d.DefaultDatabase, sink.ClickHouse.Database)
	}
}

func TestComposePublishesNothingToOtherMachines(t *testing.T) {
	c := compose(t)
	if !c.Networks["inside"].Internal {
		t.Error("the network inside is not internal")
	}
	for name, s := range c.Services {
		for _, p := range s.Ports {
			if name != "grafana" || p != "127.0.0.1:3000:3000" {
				t.Errorf("%s publishes %s", name, p)
			}
		}
		outside := slices.Contains(s.Networks, "outside")
		if want := name == "grafana" || name == "collect"; outside != want {
			t.Errorf("%s: may reach the internet: %t, want %t", name, outside, want)
		}
	}
}

func TestComposeUsersOfClickHouse(t *testing.T) {
	c := compose(t)
	data := read(t, root+"/examples/compose/clickhouse/users.xml")
	d := xml.NewDecoder(strings.NewReader(string(data)))
	users, depth, fromEnv := []string{}, []string{}, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth = append(depth, e.Name.Local)
			if len(depth) == 3 && depth[1] == "users" {
				users = append(users, e.Name.Local)
			}
			for _, a := range e.Attr {
				if a.Name.Local == "from_env" {
					fromEnv++
					if _, ok := c.Services["clickhouse"].Environment[a.Value]; !ok {
						t.Errorf("ClickHouse's environment has no %s", a.Value)
					}
				}
			}
		case xml.EndElement:
			depth = depth[:len(depth)-1]
		case xml.CharData:
			if slices.Contains(depth, "password") {
				t.Errorf("a password stands in users.xml")
			}
		}
	}
	if want := []string{"default", "jitaudit", "grafana"}; !slices.Equal(users, want) || fromEnv != 2 {
		t.Errorf("users %v with %d passwords, want %v", users, fromEnv, want)
	}
	if user := roles(t)[config.RoleSinkClickHouse].ClickHouse.User; user != "jitaudit" {
		t.Errorf("the sink is %s", user)
	}
}

// Verbs and flags of the file are those of the program.
func TestComposeUsesVerbsOfTheProgram(t *testing.T) {
	var source strings.Builder
	for _, file := range files(t, root+"/cmd/jitaudit/*.go") {
		source.Write(read(t, file))
	}
	says := func(what string) bool { return regexp.MustCompile(what).MatchString(source.String()) }
	calls := [][]string{{"health"}}
	for _, s := range compose(t).Services {
		if s.ours() {
			calls = append(calls, s.Command)
		}
	}
	for _, call := range calls {
		if !says(`Use:\s+"` + call[0] + `[ "]`) {
			t.Errorf("jitaudit has no verb %s", call[0])
		}
		for _, arg := range call[1:] {
			if flag, ok := strings.CutPrefix(arg, "--"); ok && !says(`Var\w*\([^)]*"`+flag+`"`) {
				t.Errorf("jitaudit %s has no flag --%s", call[0], flag)
			}
		}
	}
}

// The roles have the small image, what needs the embedded parts has the other.
func TestComposeBuildsTheImageThatEachNeeds(t *testing.T) {
	for name, s := range compose(t).Services {
		if !s.ours() {
			continue
		}
		want := "roles"
		if s.Command[0] == "demo" || s.Command[0] == "run" {
			want = "embedded"
		}
		if s.Build["target"] != want || images(t)[want].name == "" {
			t.Errorf("%s builds the target %v, want %s", name, s.Build["target"], want)
		}
		if embedded := strings.HasSuffix(s.Image, "-embedded"); embedded != (want == "embedded") || embedded != (s.Platform == "linux/amd64") {
			t.Errorf("%s: image %s for platform %q", name, s.Image, s.Platform)
		}
	}
}
