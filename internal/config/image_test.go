package config_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jitaudit/internal/config"
)

func TestComposeImagesArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z0-9./-]+(:[0-9]+\.[0-9]+(\.[0-9]+)+[a-z0-9.-]*|:[a-z0-9.-]+@sha256:[0-9a-f]{64})$`)
	for name, s := range compose(t).Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %s has no tag that stays", name, s.Image)
		}
	}
	froms := regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`).FindAllStringSubmatch(string(read(t, root+"/Dockerfile")), -1)
	if len(froms) != 2 {
		t.Errorf("the Dockerfile has %d stages, want 2", len(froms))
	}
	for _, f := range froms {
		if tag, _, _ := strings.Cut(f[1], "-bookworm"); !pinned.MatchString(tag) {
			t.Errorf("Dockerfile: image %s has no tag that stays", f[1])
		}
	}
}

// The verb health asks on the port on which the configuration listens, and the
// image calls it where the binary is.
func TestComposeHealthChecksAreAnswered(t *testing.T) {
	dockerfile := string(read(t, root+"/Dockerfile"))
	entry := regexp.MustCompile(`(?m)^ENTRYPOINT \["([^"]+)"\]$`).FindStringSubmatch(dockerfile)
	check := regexp.MustCompile(`(?m)^HEALTHCHECK .* CMD \["([^"]+)", "health"\]$`).FindStringSubmatch(dockerfile)
	if entry == nil || check == nil || entry[1] != check[1] || !strings.Contains(dockerfile, "COPY --from=build /out/jitaudit "+entry[1]+"\n") {
		t.Errorf("entry point %q, health check %q", entry, check)
	}
	def, _, err := net.SplitHostPort(config.Default(testEnv()).HTTP.Addr)
	if err != nil || def != "127.0.0.1" {
		t.Errorf("the default address is on %s, %v", def, err)
	}
	_, want, _ := net.SplitHostPort(config.Default(testEnv()).HTTP.Addr)
	if !strings.Contains(dockerfile, "\nEXPOSE "+want+"\n") {
		t.Errorf("the image does not expose %s", want)
	}
	for role, c := range roles(t) {
		if host, port, _ := net.SplitHostPort(c.HTTP.Addr); host != "" || port != want {
			t.Errorf("%s listens on %s, health asks 127.0.0.1:%s", role, c.HTTP.Addr, want)
		}
	}
	commands := map[string]string{ // what their images have
		"kafka": "/opt/kafka/bin/kafka-broker-api-versions.sh", "clickhouse": "wget", "grafana": "wget",
	}
	for name, s := range compose(t).Services {
		test := s.Healthcheck.Test
		switch {
		case s.ours() && len(test) > 0:
			t.Errorf("%s has a health check beside that of the image", name)
		case !s.ours() && (len(test) < 2 || test[0] != "CMD" || test[1] != commands[name]):
			t.Errorf("%s: health check %v", name, test)
		}
	}
}

// What the image is built of holds all packages of the program and no secrets.
func TestDockerContextHasTheProgramAndNothingElse(t *testing.T) {
	var allowed []string
	lines := strings.Split(string(read(t, root+"/.dockerignore")), "\n")
	if !slices.Contains(lines, "*") {
		t.Fatal(".dockerignore does not leave out everything first")
	}
	for _, l := range lines {
		if name, ok := strings.CutPrefix(l, "!"); ok {
			allowed = append(allowed, name)
		}
	}
	var want []string
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files, _ := filepath.Glob(root + "/" + e.Name() + "/*.go"); len(files) > 0 {
			want = append(want, e.Name())
		}
		if deep, _ := filepath.Glob(root + "/" + e.Name() + "/*/*.go"); len(deep) > 0 {
			want = append(want, e.Name())
		}
	}
	for _, w := range append(slices.Compact(want), "go.mod", "go.sum") {
		if !slices.Contains(allowed, w) {
			t.Errorf(".dockerignore leaves out %s", w)
		}
	}
	for _, a := range allowed {
		if strings.Contains(a, "env") || strings.Contains(a, "example") || strings.HasPrefix(a, ".") {
			t.Errorf(".dockerignore lets in %s", a)
		}
	}
}
