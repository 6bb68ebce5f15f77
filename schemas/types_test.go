package schemas_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

// node is what the test reads of a JSON Schema.
type node struct {
	Ref             string          `json:"$ref"`
	ID              string          `json:"$id"`
	Dialect         string          `json:"$schema"`
	Title           string          `json:"title"`
	Type            string          `json:"type"`
	Format          string          `json:"format"`
	Pattern         string          `json:"pattern"`
	ContentEncoding string          `json:"contentEncoding"`
	Description     string          `json:"description"`
	Enum            []string        `json:"enum"`
	Items           *node           `json:"items"`
	Properties      map[string]node `json:"properties"`
	Required        []string        `json:"required"`
	Additional      *bool           `json:"additionalProperties"`
	Defs            map[string]node `json:"$defs"`
}

func TestSchemasSayWhatTheTypesSay(t *testing.T) {
	src := parseSource(t)
	described := map[string]bool{"Meta": true} // part of the records that embed it
	for name, typ := range records {
		t.Run(name, func(t *testing.T) {
			root := readNode(t, name)
			c := comparison{t: t, root: root, enums: src.enums, described: described}
			c.compare(name, root, typ)
			if want := "urn:jitaudit:schema:" + name; root.ID != want {
				t.Errorf("$id is %q, want %q", root.ID, want)
			}
			if want := "https://json-schema.org/draft/2020-12/schema"; root.Dialect != want {
				t.Errorf("$schema is %q, want %q", root.Dialect, want)
			}
			if root.Title == "" {
				t.Error("it has no title")
			}
			for def := range root.Defs {
				if !c.used[def] {
					t.Errorf("$defs/%s is not used", def)
				}
			}
		})
	}
	for _, name := range src.structs {
		if !described[name] {
			t.Errorf("type %s is part of no schema", name)
		}
	}
}

func TestSharedDefinitionsAgree(t *testing.T) {
	first := map[string]string{}
	text := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		var doc struct {
			Defs map[string]json.RawMessage `json:"$defs"`
		}
		unmarshalSchema(t, name, &doc)
		for def, raw := range doc.Defs {
			if first[def] == "" {
				first[def], text[def] = name, string(raw)
			} else if text[def] != string(raw) {
				t.Errorf("$defs/%s differs between %s and %s", def, first[def], name)
			}
		}
	}
}

func TestSamplesShowEveryField(t *testing.T) {
	for name := range records {
		shown := map[string]bool{}
		for _, file := range samplesOf(t, name) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var fields map[string]any
			if err := json.Unmarshal(raw, &fields); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			collect(shown, "", fields)
		}
		root := readNode(t, name)
		for field := range paths(root, root, "") {
			// Deletion is the same for all results; the session shows it.
			last := field[strings.LastIndex(field, ".")+1:]
			meta := last == "version" || last == "observed" || last == "deleted" || last == "superseded_by"
			if !shown[field] && (!meta || name == "session") {
				t.Errorf("no sample of %s has %s", name, field)
			}
		}
	}
}

func collect(shown map[string]bool, prefix string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			shown[prefix+k] = true
			collect(shown, prefix+k+".", e)
		}
	case []any:
		for _, e := range v {
			collect(shown, prefix, e)
		}
	}
}

// paths returns the dotted names of all fields below n.
func paths(root, n node, prefix string) map[string]bool {
	out := map[string]bool{}
	if n.Ref != "" {
		n = root.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
	}
	if n.Items != nil {
		maps.Copy(out, paths(root, *n.Items, prefix))
	}
	for k, p := range n.Properties {
		out[prefix+k] = true
		maps.Copy(out, paths(root, p, prefix+k+"."))
	}
	return out
}

func readNode(t *testing.T, record string) node {
	t.Helper()
	var n node
	unmarshalSchema(t, record, &n)
	return n
}

func unmarshalSchema(t *testing.T, record string, into any) {
	t.Helper()
	raw, err := schemas.JSON.ReadFile("json/" + record + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", record, err)
	}
}

// comparison walks one schema and one type together.
type comparison struct {
	t         *testing.T
	root      node
	enums     map[string][]string
	described map[string]bool // names of struct types, over all schemas
	used      map[string]bool // names of $defs
}

func (c *comparison) compare(at string, n node, typ reflect.Type) {
	c.t.Helper()
	if n.Ref != "" {
		name := strings.TrimPrefix(n.Ref, "#/$defs/")
		def, ok := c.root.Defs[name]
		if !ok {
			c.t.Errorf("%s: $ref %s leads nowhere", at, n.Ref)
			return
		}
		if c.used == nil {
			c.used = map[string]bool{}
		}
		c.used[name] = true
		n = def
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		c.is(at, n, "string")
		if n.Format != "date-time" || n.Pattern != "Z$" {
			c.t.Errorf("%s: format %q and pattern %q, want date-time and Z$ (UTC)", at, n.Format, n.Pattern)
		}
	case typ == reflect.TypeFor[json.RawMessage]():
		c.is(at, n, "object")
	case typ == reflect.TypeFor[[]byte]():
		c.is(at, n, "string")
		if n.ContentEncoding != "base64" {
			c.t.Errorf("%s: contentEncoding %q, want base64", at, n.ContentEncoding)
		}
	case typ.Kind() == reflect.Slice:
		c.is(at, n, "array")
		if n.Items == nil {
			c.t.Errorf("%s: no items", at)
			return
		}
		c.compare(at+"[]", *n.Items, typ.Elem())
	case typ.Kind() == reflect.Struct:
		c.compareStruct(at, n, typ)
	case typ.Kind() == reflect.String:
		c.is(at, n, "string")
		if want := c.enums[typ.Name()]; !equalSets(n.Enum, want) {
			c.t.Errorf("%s: enum %q, want the constants of %s: %q", at, n.Enum, typ, want)
		}
	case typ.Kind() == reflect.Bool:
		c.is(at, n, "boolean")
	case typ.Kind() == reflect.Int, typ.Kind() == reflect.Int64, typ.Kind() == reflect.Uint64:
		c.is(at, n, "integer")
	default:
		c.t.Errorf("%s: this test knows no JSON Schema for %s", at, typ)
	}
}

func (c *comparison) is(at string, n node, want string) {
	c.t.Helper()
	if n.Type != want {
		c.t.Errorf("%s: type %q, want %q", at, n.Type, want)
	}
}

func (c *comparison) compareStruct(at string, n node, typ reflect.Type) {
	c.t.Helper()
	c.described[typ.Name()] = true
	c.is(at, n, "object")
	if n.Additional == nil || *n.Additional {
		c.t.Errorf("%s: additionalProperties is not false", at)
	}
	if n.Description == "" {
		c.t.Errorf("%s: no description", at)
	}
	var names, required []string
	for _, f := range fieldsOf(typ) {
		names = append(names, f.name)
		if !f.optional {
			required = append(required, f.name)
		}
		p, ok := n.Properties[f.name]
		if !ok {
			c.t.Errorf("%s.%s is a field of %s, but not of the schema", at, f.name, typ)
			continue
		}
		if p.Description == "" && c.root.Defs[strings.TrimPrefix(p.Ref, "#/$defs/")].Description == "" {
			c.t.Errorf("%s.%s: no description", at, f.name)
		}
		c.compare(at+"."+f.name, p, f.typ)
	}
	for name := range n.Properties {
		if !slices.Contains(names, name) {
			c.t.Errorf("%s.%s is in the schema, but no field of %s", at, name, typ)
		}
	}
	if !equalSets(n.Required, required) {
		c.t.Errorf("%s: required %q, want those without omitempty or omitzero: %q", at, n.Required, required)
	}
}

type field struct {
	name     string
	optional bool
	typ      reflect.Type
}

// fieldsOf lists the JSON fields of a struct, those of embedded structs
// included.
func fieldsOf(typ reflect.Type) []field {
	var out []field
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			out = append(out, fieldsOf(f.Type)...)
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("%s.%s has no JSON name", typ, f.Name))
		}
		out = append(out, field{name: name, optional: options == "omitempty" || options == "omitzero", typ: f.Type})
	}
	return out
}

func equalSets(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// source is what the package's own text declares.
type source struct {
	enums   map[string][]string // values of the string constants, by type
	structs []string            // exported struct types
}

func parseSource(t *testing.T) source {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	s := source{enums: map[string][]string{}}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if g, ok := decl.(*ast.GenDecl); ok {
				s.add(t, g)
			}
		}
	}
	return s
}

func (s *source) add(t *testing.T, g *ast.GenDecl) {
	t.Helper()
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if _, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
				s.structs = append(s.structs, spec.Name.Name)
			}
		case *ast.ValueSpec:
			if g.Tok != token.CONST {
				continue
			}
			typ, ok := spec.Type.(*ast.Ident)
			if !ok {
				for _, v := range spec.Values {
					if call, ok := v.(*ast.CallExpr); ok {
						t.Errorf("%s: write the type before the =, so that this test sees it", call.Fun)
					}
				}
				continue
			}
			for _, v := range spec.Values {
				lit, ok := v.(*ast.BasicLit)
				if !ok {
					t.Fatalf("a constant of %s is no literal", typ.Name)
				}
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatalf("constant %s: %v", lit.Value, err)
				}
				s.enums[typ.Name] = append(s.enums[typ.Name], value)
			}
		}
	}
}
