package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// source is a file that is changed.
type source struct {
	path string // from the module's root
	// area names its mutants: a rule, or what the rules stand on.
	area string
	// only are the functions that are changed; nil: all.
	only *regexp.Regexp
}

// sources are the rules and what they stand on. Sentences, decoding and the
// printing of policies are left out, and so is sealing, which no scenario does;
// they have tests of their own kind.
var sources = []source{
	{"correlate/rules/no_grant.go", "no_grant", nil},
	{"correlate/rules/outside_grant.go", "outside_grant", regexp.MustCompile(`^outsideGrant$`)},
	{"correlate/rules/outside_hours.go", "outside_hours", nil},
	{"correlate/rules/no_sign_on.go", "no_sign_on", regexp.MustCompile(`^(noSignOn|signOnNeeds)$`)},
	{"correlate/rules/assertion_mismatch.go", "assertion_mismatch", nil},
	{"correlate/rules/no_mfa.go", "no_mfa", nil},
	{"correlate/rules/long_session.go", "long_session", nil},
	{"correlate/rules/outlived_grant.go", "outlived_grant", nil},
	{"correlate/rules/break_glass.go", "break_glass", regexp.MustCompile(`^breakGlass$`)},
	{"correlate/rules/unattributed.go", "unattributed", nil},
	{"correlate/rules/unknown_provider.go", "unknown_provider", nil},
	{"correlate/rules/source_mismatch.go", "source_mismatch", nil},
	{"correlate/rules/name_mismatch.go", "name_mismatch", nil},
	{"correlate/rules/chained_role.go", "chained_role", nil},
	{"correlate/rules/credential_created.go", "credential_created", nil},
	{"correlate/rules/source_gap.go", "source_gap", nil},
	{"correlate/rules/late_revocation.go", "late_revocation", nil},
	{"correlate/rules/lingering_membership.go", "lingering_membership", regexp.MustCompile(`^lingeringMembership$`)},
	{"correlate/rules/manual_grant.go", "manual_grant", nil},
	{"correlate/rules/self_granted.go", "self_granted", nil},
	{"correlate/rules/self_approved.go", "self_approved", nil},
	{"correlate/rules/standing_access.go", "standing_access", nil},
	{"correlate/rules/unused_grant.go", "unused_grant", nil},
	{"correlate/rules/unmapped_group.go", "unmapped_group", nil},
	{"correlate/rules/static_credential.go", "static_credential", regexp.MustCompile(`^(staticCredential|entries)$`)},
	{"correlate/rules/web_identity.go", "web_identity", nil},
	{"correlate/rules/failed_assumptions.go", "failed_assumptions", nil},
	{"correlate/rules/trust_changed.go", "trust_changed", nil},
	{"correlate/rules/log_tampered.go", "log_tampered", nil},
	{"correlate/rules/orphan_activity.go", "orphan_activity", nil},
	{"correlate/rules/rules.go", "grants", regexp.MustCompile(`^(Contains|SeenFrom|Evidence|aroundGrants)$`)},
	{"correlate/rules/words.go", "actors", regexp.MustCompile(`^(IsPerson|samePerson|loginOf)$`)},
	{"correlate/grants.go", "grants", nil},
	{"correlate/stays.go", "grants", nil},
	{"correlate/snapshots.go", "snapshots", nil},
	{"correlate/requests.go", "requests", nil},
	{"correlate/join.go", "join", nil},
	{"correlate/names.go", "names", nil},
	{"correlate/anchors.go", "use", nil},
	{"correlate/chains.go", "chains", nil},
	{"correlate/use.go", "use", nil},
	{"correlate/assumptions.go", "assumptions", nil},
	{"correlate/sessions.go", "sessions", nil},
	{"correlate/life.go", "life", nil},
	{"correlate/coverage.go", "coverage", regexp.MustCompile(`^(NewCoverage|sourceOf|Missing|tail|named)$`)},
	{"correlate/copies.go", "copies", nil},
	{"correlate/judge.go", "judge", nil},
	{"correlate/identity/builder.go", "identity", nil},
	{"correlate/identity/calls.go", "identity", nil},
	{"correlate/identity/carrier.go", "identity", nil},
	{"correlate/identity/chains.go", "identity", nil},
	{"correlate/identity/claims.go", "identity", nil},
	{"correlate/identity/identity.go", "identity", nil},
	{"correlate/identity/learn.go", "identity", regexp.MustCompile(`^(Learn|carries|user|learn|asOf)$`)},
	{"correlate/identity/names.go", "identity", nil},
	{"correlate/identity/owner.go", "identity", nil},
	{"correlate/policy/assignments.go", "policy", regexp.MustCompile(`^AssignmentTargets$`)},
	{"correlate/policy/awsgroups.go", "unmapped_group", regexp.MustCompile(`^LooksLikeAWS$`)},
	{"correlate/policy/bounds.go", "policy", regexp.MustCompile(`^(table|reachGrants|reach)$`)},
	{"correlate/policy/exceptions.go", "policy", regexp.MustCompile(`^(Suppressed|Severity)$`)},
	{"correlate/policy/grantors.go", "manual_grant", regexp.MustCompile(`^TrustsGrantor$`)},
	{"correlate/policy/groups.go", "policy", regexp.MustCompile(`^(Targets|AppTargets|open)$`)},
	{"correlate/policy/hours.go", "outside_hours", regexp.MustCompile(`^(WithinHours|contains|in[A-Z]?\w*)$`)},
	{"correlate/policy/networks.go", "source_mismatch", regexp.MustCompile(`^(SameNetwork|unmapped)$`)},
	{"correlate/policy/people.go", "policy", regexp.MustCompile(`^(OtherNames|byName|Valid)$`)},
	{"correlate/policy/provider.go", "policy", regexp.MustCompile(`^(Provider|HasApp|IsApp|awsSignIn|signInHost)$`)},
	{"correlate/policy/scope.go", "policy", regexp.MustCompile(`^(role|account|who|fits|matchesOne|matchAny|entries|MaxSession|BreakGlass)$`)},
	{"correlate/policy/set.go", "policy", regexp.MustCompile(`^(NewSet|At)$`)},
	{"correlate/policy/watched.go", "policy", regexp.MustCompile(`^Watched$`)},
	{"internal/scan/copies.go", "copies", regexp.MustCompile(`^(sameEvent|compareCopies|compareFlags)$`)},
}

// sourceFile is a source as it was read. What changes on disk afterwards has no
// part in the run.
type sourceFile struct {
	source
	text string
	fset *token.FileSet
	ast  *ast.File
}

func (f *sourceFile) offset(p token.Pos) int { return f.fset.Position(p).Offset }

// at is the text of a node.
func (f *sourceFile) at(n ast.Node) string { return f.text[f.offset(n.Pos()):f.offset(n.End())] }

// function is one declared function with a body.
type function struct {
	file       *sourceFile
	decl       *ast.FuncDecl
	start, end int // of the body, without its braces
}

func (f *sourceFile) functions() []*function {
	var out []*function
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if ok && fn.Body != nil && (f.only == nil || f.only.MatchString(fn.Name.Name)) {
			out = append(out, &function{f, fn, f.offset(fn.Body.Lbrace) + 1, f.offset(fn.Body.Rbrace)})
		}
	}
	return out
}

func load(root string) ([]*sourceFile, error) {
	var out []*sourceFile
	for _, s := range sources {
		data, err := os.ReadFile(filepath.Join(root, s.path))
		if err != nil {
			return nil, fmt.Errorf("a source that is changed: %w; if it has moved, say so in sources.go", err)
		}
		f, err := parse(s, string(data))
		if err != nil {
			return nil, err
		}
		if len(f.functions()) == 0 {
			return nil, fmt.Errorf("%s has none of the functions that are changed; name others in sources.go", s.path)
		}
		out = append(out, f)
	}
	return out, nil
}

func parse(s source, text string) (*sourceFile, error) {
	f := &sourceFile{source: s, text: text, fset: token.NewFileSet()}
	var err error
	if f.ast, err = parser.ParseFile(f.fset, s.path, text, parser.SkipObjectResolution); err != nil {
		return nil, fmt.Errorf("parse %s: %w", s.path, err)
	}
	return f, nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module (run this inside it): %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
