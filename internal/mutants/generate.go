package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// generator makes the systematic mutants of one function.
type generator struct {
	fn   *function
	out  []*mutant
	done map[ast.Expr]bool // conditions that have been changed, as terms of others too
	// same are comparisons of what is then set equal: an end more or less
	// changes nothing.
	same map[ast.Node]bool
	// cases are what the switches around tell apart; no two may be equal.
	cases map[string]bool
}

func generate(fn *function) []*mutant {
	g := &generator{fn: fn, done: make(map[ast.Expr]bool), same: make(map[ast.Node]bool), cases: make(map[string]bool)}
	ast.Inspect(fn.decl.Body, g.visit)
	return g.out
}

// replace adds a mutant; what says in the function's own words what is changed.
func (g *generator) replace(kind string, n ast.Node, what, by string) {
	f := g.fn.file
	what = strings.Join(strings.Fields(what), " ")
	g.out = append(g.out, &mutant{
		name: fmt.Sprintf("%s/%s/%s: %s", f.area, kind, g.fn.decl.Name.Name, what),
		fn:   g.fn, start: f.offset(n.Pos()), end: f.offset(n.End()), text: by,
	})
}

func (g *generator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if sentence(n) {
			return false
		}
		g.comparison(n)
		g.ordering(n)
		g.limit(n)
	case *ast.SelectorExpr:
		g.bound(n)
		g.swaps(n)
	case *ast.BinaryExpr:
		g.bounded(n)
		if n.Op == token.LAND || n.Op == token.LOR || compares(n.Op) {
			g.whole(n)
		}
	case *ast.IfStmt:
		g.extremes(n)
		g.whole(n.Cond)
	case *ast.SwitchStmt:
		if n.Tag != nil {
			g.tagged(n)
		}
	case *ast.CaseClause:
		for _, e := range n.List {
			if logical(e) {
				g.whole(e)
			}
		}
	case *ast.ReturnStmt:
		for _, e := range n.Results {
			if logical(e) {
				g.whole(e)
			}
		}
	case *ast.ForStmt:
		return g.loop(n)
	case *ast.KeyValueExpr:
		g.keyValue(n)
	case *ast.AssignStmt:
		g.assignment(n)
		for _, e := range n.Rhs { // what is assigned to cannot be changed
			ast.Inspect(e, g.visit)
		}
		return false
	case *ast.UnaryExpr:
		return n.Op != token.AND || !isSelector(n.X)
	case *ast.CompositeLit:
		g.rule(n)
	}
	return true
}

// extremes notes comparisons that only keep the larger or smaller of two.
func (g *generator) extremes(n *ast.IfStmt) {
	if len(n.Body.List) != 1 {
		return
	}
	a, ok := n.Body.List[0].(*ast.AssignStmt)
	if !ok || len(a.Lhs) != 1 {
		return
	}
	f := g.fn.file
	ast.Inspect(n.Cond, func(e ast.Node) bool {
		c, ok := e.(*ast.CallExpr)
		if !ok || len(c.Args) != 1 {
			return true
		}
		if s, ok := c.Fun.(*ast.SelectorExpr); ok && f.at(s.X) == f.at(a.Rhs[0]) && f.at(c.Args[0]) == f.at(a.Lhs[0]) {
			g.same[c] = true
		}
		return true
	})
}

// tagged notes the cases of a switch over a value.
func (g *generator) tagged(n *ast.SwitchStmt) {
	for _, stmt := range n.Body.List {
		if c, ok := stmt.(*ast.CaseClause); ok {
			for _, e := range c.List {
				g.cases[g.fn.file.at(e)] = true
			}
		}
	}
}

func isSelector(e ast.Expr) bool { _, ok := e.(*ast.SelectorExpr); return ok }

// sentence reports whether a call only words what is said.
func sentence(c *ast.CallExpr) bool {
	s, ok := c.Fun.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Sprintf"
}

// loop leaves the condition of a loop as a whole alone, for it may never end;
// the terms behind the bounds check are changed.
func (g *generator) loop(n *ast.ForStmt) bool {
	if b, ok := n.Cond.(*ast.BinaryExpr); ok && b.Op == token.LAND {
		g.whole(b.Y)
		ast.Inspect(b.Y, g.visit)
	}
	ast.Inspect(n.Body, g.visit)
	return false
}

func compares(op token.Token) bool {
	return slices.Contains([]token.Token{token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ}, op)
}

// logical reports whether an expression is a condition, as far as can be seen
// without types.
func logical(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return logical(e.X)
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.BinaryExpr:
		return e.Op == token.LAND || e.Op == token.LOR || compares(e.Op)
	case *ast.CallExpr:
		s, ok := e.Fun.(*ast.SelectorExpr)
		return ok && slices.Contains([]string{"Before", "After", "Equal", "IsZero", "Contains", "ContainsFunc", "EqualFold"}, s.Sel.Name)
	}
	return false
}

// whole changes a condition that is no term of another.
func (g *generator) whole(e ast.Expr) {
	if !g.done[e] {
		g.condition(e, true, true)
	}
}

// condition says yes, no, or either in place of a condition, and does without
// each of its terms. The original stays where it is not evaluated, so that all
// variables are used.
func (g *generator) condition(e ast.Expr, yes, no bool) {
	g.done[e] = true
	text := g.fn.file.at(e)
	if yes {
		g.replace("condition", e, text+" -> true", "(true || ("+text+"))")
	}
	if no {
		g.replace("condition", e, text+" -> false", "(false && ("+text+"))")
	}
	for {
		p, ok := e.(*ast.ParenExpr)
		if !ok {
			break
		}
		e = p.X
		g.done[e] = true
	}
	if b, ok := e.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
		and := b.Op == token.LAND
		g.condition(b.X, and, !and)
		g.condition(b.Y, and, !and)
	}
}

// comparison moves the end of an interval into it or out of it.
func (g *generator) comparison(c *ast.CallExpr) {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || len(c.Args) != 1 {
		return
	}
	other := map[string]string{"Before": "After", "After": "Before"}[s.Sel.Name]
	if other == "" || g.same[c] {
		return
	}
	f := g.fn.file
	by := fmt.Sprintf("!%s.%s(%s)", f.at(s.X), other, f.at(c.Args[0]))
	g.replace("edge", c, f.at(c)+" or equal", "("+by+")")
}

// bounded does the same for lengths.
func (g *generator) bounded(b *ast.BinaryExpr) {
	other := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[b.Op]
	f := g.fn.file
	if other == "" || strings.Contains(f.at(b), "len(") {
		return
	}
	g.replace("edge", b, f.at(b)+" -> "+other, f.at(b.X)+" "+other+" "+f.at(b.Y))
}

// ordering turns a comparison around, or does without it.
func (g *generator) ordering(c *ast.CallExpr) {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Compare" {
		return
	}
	text := g.fn.file.at(c)
	g.replace("order", c, text+" reversed", "(-"+text+")")
	g.replace("order", c, text+" dropped", "(0 * "+text+")")
}
