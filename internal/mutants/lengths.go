package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// bounds are the fields of policy.Bounds.
var bounds = []string{
	"ClockSkew", "AssertionWindow", "PortalSession", "OktaSession", "PropagationDelay", "GrantLookback",
	"GrantDuration", "RevocationTolerance", "CredentialsOutlive", "MaxSession", "StalledAfter",
}

// bound makes each use of a bound a second longer and shorter, and drops it.
func (g *generator) bound(s *ast.SelectorExpr) {
	if !slices.Contains(bounds, s.Sel.Name) || g.fn.decl.Name.Name == "table" || g.called(s) {
		return
	}
	g.lengths(s)
	g.replace("bound", s, g.fn.file.at(s)+" dropped", "(0 * "+g.fn.file.at(s)+")")
}

func (g *generator) lengths(n ast.Node) {
	text := g.fn.file.at(n)
	g.replace("bound", n, text+" + 1s", "("+text+" + 1e9)")
	g.replace("bound", n, text+" - 1s", "("+text+" - 1e9)")
}

// called reports whether a selector is a method that is called.
func (g *generator) called(s *ast.SelectorExpr) bool {
	return strings.HasPrefix(g.fn.file.text[g.fn.file.offset(s.End()):], "(")
}

// limit does the same where a method says how long something may be.
func (g *generator) limit(c *ast.CallExpr) {
	if s, ok := c.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "MaxSession" {
		g.lengths(c)
	}
}

// keyValue changes what a rule says of itself, and what it needs.
func (g *generator) keyValue(kv *ast.KeyValueExpr) {
	key, ok := kv.Key.(*ast.Ident)
	if !ok {
		return
	}
	f := g.fn.file
	text := f.at(kv.Value)
	switch key.Name {
	case "From", "To":
		g.replace("need", kv.Value, key.Name+": "+text+" + 1s", "("+text+").Add(1e9)")
		g.replace("need", kv.Value, key.Name+": "+text+" - 1s", "("+text+").Add(-1e9)")
	case "Needs":
		g.replace("need", kv.Value, "Needs: "+text+" dropped", text+"[:0]")
	case "Severity":
		g.severity(kv.Value)
	case "AnyProvider":
		g.replace("provider", kv.Value, "needs a provider", "false")
	}
}

// rule lets a rule that needs a provider do without. Those of grants ask for none.
func (g *generator) rule(c *ast.CompositeLit) {
	f := g.fn.file
	if c.Type == nil || f.at(c.Type) != "Rule" || strings.Contains(f.at(c), "AnyProvider") || strings.Contains(f.at(c), "Grant: func") {
		return
	}
	g.replace("provider", c.Elts[0], "needs no provider", f.at(c.Elts[0])+", AnyProvider: true")
}

// severity makes a rule graver or milder.
func (g *generator) severity(e ast.Expr) {
	text := g.fn.file.at(e)
	for _, s := range []string{"Critical", "High", "Medium", "Low"} {
		if strings.HasPrefix(text, "schemas.") && text != "schemas."+s {
			g.replace("severity", e, text+" -> "+s, "schemas."+s)
		}
	}
}

// assignment turns what is set to true or false, and changes the needs and the
// severity that are set apart from the breach.
func (g *generator) assignment(a *ast.AssignStmt) {
	if a.Tok != token.ASSIGN && a.Tok != token.DEFINE {
		return
	}
	for i, e := range a.Rhs {
		text := g.fn.file.at(e)
		switch {
		case text == "true" || text == "false":
			other := map[string]string{"true": "false", "false": "true"}[text]
			g.replace("literal", e, g.fn.file.at(a)+" -> "+other, other)
		case logical(e):
			g.whole(e)
		}
		if i >= len(a.Lhs) {
			continue
		}
		if s, ok := a.Lhs[i].(*ast.SelectorExpr); ok {
			switch s.Sel.Name {
			case "Needs":
				g.replace("need", e, "Needs = "+text+" dropped", text+"[:0]")
			case "Severity":
				g.severity(e)
			}
		}
	}
}
