package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// layer is a folder with what it may import of this module. The longest folder
// that a package lies in is its layer; test files may import anything.
type layer struct {
	folder string
	may    []string
}

var layers = []layer{
	{"schemas", nil},
	{"correlate", []string{"correlate", "schemas"}},
	{"correlate/stream", []string{"correlate/stream", "correlate", "internal/kafka", "schemas"}},
	{"ingest", []string{"ingest", "internal/kafka", "internal/signature", "schemas"}},
	{"sinks", []string{"sinks", "correlate", "internal/kafka", "internal/signature", "internal/visible", "schemas"}},
	{"dashboards", []string{"dashboards", "correlate", "internal/visible", "schemas"}},
	// What generates an organisation must not know how it will be judged.
	{"internal/organisation", []string{"internal/organisation", "schemas"}},
	// How to speak to Kafka is one thing for all that do.
	{"internal/kafka", []string{"internal/kafka", "schemas"}},
	// So is how what others wrote is shown, and how bodies are signed.
	{"internal/visible", []string{"internal/visible"}},
	{"internal/signature", []string{"internal/signature"}},
	// What answers as Okta and AWS do knows the vendors, not us.
	{"internal/simulated", []string{"internal/simulated", "internal/organisation"}},
	{"internal", []string{
		"internal", "internal/kafka", "internal/signature", "internal/visible", "internal/simulated", "internal/organisation", "correlate", "correlate/stream", "ingest", "sinks", "dashboards", "schemas",
	}},
	{"cmd", []string{
		"cmd", "internal", "internal/kafka", "internal/signature", "internal/visible", "internal/simulated", "internal/organisation", "correlate", "correlate/stream", "ingest", "sinks", "dashboards", "schemas",
	}},
}

func layerOf(dir string) (layer, bool) {
	var best layer
	for _, l := range layers {
		if within(dir, l.folder) && len(l.folder) > len(best.folder) {
			best = l
		}
	}
	return best, best.folder != ""
}

// core reports whether a folder belongs to the pure core.
func core(dir string) bool {
	return within(dir, "correlate", "schemas") && !within(dir, "correlate/stream")
}

// The core sees nothing of the machine it runs on. Of net only what parses.
var (
	impure = []string{
		"os", "net", "syscall", "log", "database/sql", "math/rand", "crypto/rand", "runtime/debug", "plugin", "testing",
	}
	pure = []string{"net/netip", "net/url"}
	// libraries are the only ones that the core may import.
	libraries = []string{"go.yaml.in/yaml/v4", "github.com/prometheus/alertmanager/timeinterval", "github.com/cespare/xxhash/v2"}
)

// importsPointDown finds imports against the direction of the layers, and those
// by which the core would depend on more than its input.
func importsPointDown(files []*file) (broken []string) {
	for _, f := range files {
		if f.test {
			continue
		}
		from, ok := layerOf(f.dir())
		if !ok {
			broken = append(broken, fmt.Sprintf("%s: %s is in no layer; add it to those of this test", f.path, f.dir()))
			continue
		}
		for imported, at := range f.imports() {
			if imported == module || strings.HasPrefix(imported, module+"/") {
				to, _ := layerOf(strings.TrimPrefix(imported, module+"/"))
				if !slices.Contains(from.may, to.folder) {
					broken = append(broken, fmt.Sprintf("%s: %s must not import %s", at, from.folder, imported))
				}
			} else if core(f.dir()) && !coreMayImport(imported) {
				broken = append(broken, fmt.Sprintf("%s: the pure core must not import %s", at, imported))
			}
		}
	}
	return broken
}

func coreMayImport(imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		return slices.Contains(libraries, imported)
	}
	return within(imported, pure...) || !within(imported, impure...)
}

// reserved are functions that only some folders may use, and every program's
// package main.
var reserved = []struct {
	pkg, selectors string // selectors separated by spaces
	folders        []string
	why            string
}{
	{"time", "Now Since Until", []string{"cmd", "ingest", "sinks", "internal/broker", "internal/chdb", "internal/kafka", "internal/simulated"}, "take the time as a fact, as coverage or as a parameter"},
	{"fmt", "Print Printf Println", []string{"cmd"}, "write to an io.Writer"},
	{"os", "Exit", []string{"cmd"}, "return an error"},
	{"log", "Fatal Fatalf Fatalln Panic Panicf Panicln", []string{"cmd"}, "return an error"},
}

// timers wait for a clock: beside the reserved ones no part of the core.
var timers = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Sleep", "Tick"}

func functionsAreUsedWhereTheyMay(files []*file) (broken []string) {
	for _, f := range files {
		if f.test {
			continue
		}
		f.uses(func(pkg, selector, at string) {
			if core(f.dir()) && pkg == "time" && slices.Contains(timers, selector) {
				broken = append(broken, fmt.Sprintf("%s: the pure core must not use time.%s", at, selector))
			}
			for _, r := range reserved {
				may := f.ast.Name.Name == "main" || within(f.dir(), r.folders...)
				if !may && pkg == r.pkg && slices.Contains(strings.Fields(r.selectors), selector) {
					broken = append(broken, fmt.Sprintf("%s: %s.%s stands only in %s; %s",
						at, pkg, selector, strings.Join(r.folders, ", "), r.why))
				}
			}
		})
	}
	return broken
}

// declarationsKeepTheStyle finds init functions, dot imports and interfaces of
// more than three methods.
func declarationsKeepTheStyle(files []*file) (broken []string) {
	for _, f := range files {
		for _, spec := range f.ast.Imports {
			if spec.Name != nil && spec.Name.Name == "." {
				broken = append(broken, fmt.Sprintf("%s: a dot import hides where names come from", f.at(spec.Pos())))
			}
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				broken = append(broken, fmt.Sprintf("%s: no init functions; pass it in", f.at(fn.Pos())))
			}
		}
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > 3 {
				broken = append(broken, fmt.Sprintf("%s: an interface of %d methods; three are the most", f.at(i.Pos()), i.Methods.NumFields()))
			}
			return true
		})
	}
	return broken
}

// vague are package names that say nothing.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "manager", "misc", "base"}

// packagesIntroduceThemselves finds packages without a comment or with a name
// that says nothing.
func packagesIntroduceThemselves(files []*file) (broken []string) {
	documented := map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		documented[f.dir()] = documented[f.dir()] || f.ast.Doc != nil
		if slices.Contains(vague, f.ast.Name.Name) {
			broken = append(broken, fmt.Sprintf("%s: the name %s does not say what the package is for", f.path, f.ast.Name.Name))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(documented)) {
		if !documented[dir] {
			broken = append(broken, fmt.Sprintf("%s: no package comment", dir))
		}
	}
	return broken
}

// longest is the number of lines beyond which a file is better split.
const longest = 600

func longFiles(files []*file) (long []string) {
	for _, f := range files {
		if lines := f.fset.Position(f.ast.FileEnd).Line; lines > longest {
			long = append(long, fmt.Sprintf("%s: %d lines; %d are plenty", f.path, lines, longest))
		}
	}
	return long
}

// machinePath matches paths that exist on one machine only.
var machinePath = regexp.MustCompile("(?m)(^|[\\s\"'`=:(\\[,])(/(work|root|home|Users)/[A-Za-z0-9._-]+)")

// noPathsOfAMachine finds such paths in every text of the tree.
func noPathsOfAMachine(root fs.FS) (broken []string, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(skipped, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) >= 0 { // no text
			return nil
		}
		if m := machinePath.FindSubmatch(text); m != nil {
			broken = append(broken, fmt.Sprintf("%s: %s is a path of one machine", name, m[2]))
		}
		return nil
	})
	return broken, err
}
