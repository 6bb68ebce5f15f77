package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "jitaudit"

// file is one Go file of the module.
type file struct {
	path string // from the module's root, with slashes
	test bool
	ast  *ast.File
	fset *token.FileSet
}

// dir is the package's folder from the module's root; "." is the root.
func (f *file) dir() string { return path.Dir(f.path) }

func (f *file) at(pos token.Pos) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(pos).Line)
}

// imports returns the imported paths with the position of each.
func (f *file) imports() map[string]string {
	out := map[string]string{}
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			out[p] = f.at(spec.Pos())
		}
	}
	return out
}

// uses calls found for every NAME.SELECTOR of an imported package.
func (f *file) uses(found func(pkg, selector, at string)) {
	names := map[string]string{}
	for _, spec := range f.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] != "" {
				found(names[id.Name], sel.Sel.Name, f.at(sel.Pos()))
			}
		}
		return true
	})
}

// skipped are folders without text of ours.
var skipped = []string{".git", "bin", "node_modules", "demo-data"}

// load parses the Go files below a root; those of nested modules and of
// testdata are left out.
func load(t *testing.T, root fs.FS) []*file {
	t.Helper()
	fset := token.NewFileSet()
	var files []*file
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(skipped, d.Name()) || d.Name() == "testdata" {
				return fs.SkipDir
			}
			if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil && name != "." {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, &file{path: name, test: strings.HasSuffix(name, "_test.go"), ast: parsed, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// within reports whether a folder is one of those given or below one.
func within(dir string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return dir == f || strings.HasPrefix(dir, f+"/")
	})
}
