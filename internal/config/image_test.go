package config_test

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jitaudit/internal/chdb/library"
	"jitaudit/internal/config"
)

func TestComposeImagesArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^[a-z0-9./-]+(:[0-9]+\.[0-9]+(\.[0-9]+)+[a-z0-9.-]*|:[a-z0-9.-]+@sha256:[0-9a-f]{64})$`)
	for name, s := range compose(t).Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %s has no tag that stays", name, s.Image)
		}
	}
	bases := 0
	for _, stage := range stages(t) {
		if stage.of != "" {
			continue // it builds on another one
		}
		bases++
		if tag, _, _ := strings.Cut(stage.from, "-bookworm"); !pinned.MatchString(tag) {
			t.Errorf("Dockerfile: image %s has no tag that stays", stage.from)
		}
	}
	if bases != 4 {
		t.Errorf("the Dockerfile builds on %d images, want 4", bases)
	}
}

// stage is one of the Dockerfile's: of is the stage that it builds on, if any.
type stage struct{ name, from, of, text string }

func stages(t *testing.T) (all []stage) {
	t.Helper()
	text := strings.ReplaceAll(string(read(t, root+"/Dockerfile")), "\\\n", "")
	for _, part := range regexp.MustCompile(`(?m)^FROM `).Split(text, -1)[1:] {
		m := regexp.MustCompile(`^(?:--\S+ )?(\S+) AS (\S+)\n`).FindStringSubmatch(part)
		if m == nil {
			t.Fatalf("a stage of the Dockerfile has no name: %.60s", part)
		}
		s := stage{name: m[2], from: m[1], text: part}
		for _, earlier := range all {
			if earlier.name == s.from {
				s.of = s.from
			}
		}
		all = append(all, s)
	}
	return all
}

// images are the stages that are run, by name.
func images(t *testing.T) map[string]stage {
	t.Helper()
	out := map[string]stage{}
	for _, s := range stages(t) {
		if strings.Contains(s.text, "\nENTRYPOINT ") {
			out[s.name] = s
		}
	}
	if all := stages(t); len(out) != 2 || all[len(all)-1].name != "roles" {
		t.Fatalf("images %v; want two, and that of the roles as the last: the one that is built without --target", slices.Sorted(maps.Keys(out)))
	}
	return out
}

// What one stage copies from another is there.
func TestDockerfileCopiesWhatItsStagesMake(t *testing.T) {
	made := map[string]string{}
	for _, s := range stages(t) {
		made[s.name] = made[s.of] + s.text
		for _, m := range regexp.MustCompile(`(?m)^COPY --from=(\S+) (?:--\S+ )?(\S+) `).FindAllStringSubmatch(s.text, -1) {
			from, path := m[1], m[2]
			if name := filepath.Base(path); made[from] == "" || !strings.Contains(made[from], name) {
				t.Errorf("%s copies %s from %s, which does not make it", s.name, path, from)
			}
		}
	}
}

// The roles' program is without the embedded ClickHouse, hence linked statically,
// as an image without glibc needs; the other image has library and program for it.
func TestImagesHaveTheProgramTheyCanRun(t *testing.T) {
	all := images(t)
	flags := map[string]bool{}
	for _, s := range stages(t) {
		flags[s.name] = strings.Contains(s.text, "-tags nochdb")
	}
	if s := all["roles"]; !strings.HasPrefix(s.from, "gcr.io/distroless/static-") || !strings.Contains(s.text, "COPY --from=build /out/jitaudit ") || !flags["build"] {
		t.Errorf("the image of the roles: %s", s.text)
	}
	if s := all["embedded"]; !strings.HasPrefix(s.from, "gcr.io/distroless/base-") || !strings.Contains(s.text, "COPY --from=build-embedded /out/jitaudit ") || flags["build-embedded"] {
		t.Errorf("the image with the embedded ClickHouse: %s", s.text)
	}
	if !strings.Contains(all["embedded"].text, " /usr/local/lib/libchdb.so\n") {
		t.Error("libchdb is not where the program looks for it")
	}
	if constraint := string(read(t, root+"/internal/chdb/engine/load.go")); !strings.Contains(constraint, "!nochdb") {
		t.Error("nothing is left out by the tag nochdb")
	}
}

// The image has the libchdb that the program would fetch.
func TestImageFetchesThePinnedLibrary(t *testing.T) {
	pin := regexp.MustCompile(`"sha512-([A-Za-z0-9+/=]+)"`).FindSubmatch(read(t, root+"/internal/chdb/library/release.go"))
	if pin == nil {
		t.Fatal("internal/chdb/library pins no sha512")
	}
	hash, err := base64.StdEncoding.DecodeString(string(pin[1]))
	if err != nil {
		t.Fatal(err)
	}
	text := string(read(t, root+"/Dockerfile"))
	packed := "chdb-lib-linux-x64-gnu-" + library.Version + ".tgz"
	for _, want := range []string{
		" @chdb/lib-linux-x64-gnu@" + library.Version + " ", `echo "` + hex.EncodeToString(hash) + "  " + packed + `" | sha512sum --check`,
		"--file " + packed + " ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile does not say %q", want)
		}
	}
}

// The verb health asks on the port on which the configuration listens, and the
// image calls it where the binary is.
func TestComposeHealthChecksAreAnswered(t *testing.T) {
	for name, s := range images(t) {
		entry := regexp.MustCompile(`(?m)^ENTRYPOINT \["([^"]+)"\]$`).FindStringSubmatch(s.text)
		check := regexp.MustCompile(`(?m)^HEALTHCHECK .* CMD \["([^"]+)", "health"\]$`).FindStringSubmatch(s.text)
		if entry == nil || check == nil || entry[1] != check[1] || !strings.Contains(s.text, " /out/jitaudit "+entry[1]+"\n") {
			t.Errorf("%s: entry point %q, health check %q", name, entry, check)
		}
	}
	def, _, err := net.SplitHostPort(config.Default(testEnv()).HTTP.Addr)
	if err != nil || def != "127.0.0.1" {
		t.Errorf("the default address is on %s, %v", def, err)
	}
	_, want, _ := net.SplitHostPort(config.Default(testEnv()).HTTP.Addr)
	for name, s := range images(t) {
		if !strings.Contains(s.text, "\nEXPOSE "+want+"\n") {
			t.Errorf("%s does not expose %s", name, want)
		}
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
