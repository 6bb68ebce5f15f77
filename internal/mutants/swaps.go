package main

import "go/ast"

// swapped are fields and constants that are put in place of each other: keys of
// the join, ends of intervals, answers. Each stands for others of its own type.
var swapped = map[string][]string{
	// Handles and keys.
	"NameID":         {"SessionName", "Login"},
	"SessionName":    {"NameID", "SourceIdentity"},
	"SourceIdentity": {"SessionName"},
	"Login":          {"NameID", "OktaUserID"},
	"AssertionID":    {"NameID"},
	"PortalUserID":   {"NameID"},
	"OktaUserID":     {"Login"},
	"SessionID":      {"RootSessionID"},
	"RootSessionID":  {"SessionID"},
	"bySession":      {"byRoot"},
	"byRoot":         {"bySession"},
	"AccessKeyID":    {"PrincipalID"},
	"PrincipalID":    {"AccessKeyID"},
	"Account":        {"Role"},
	"Role":           {"Account"},
	// Ends of intervals.
	"Removal": {"Renewal"},
	"Renewal": {"Removal"},
	"First":   {"Last"},
	"Last":    {"First"},
	"FirstID": {"LastID"},
	"LastID":  {"FirstID"},
	"from":    {"to"},
	"to":      {"from"},
	"Opened":  {"ApprovedUntil"},
	// Bounds for one another.
	"AssertionWindow": {"PortalSession"},
	"PortalSession":   {"AssertionWindow", "OktaSession"},
	"OktaSession":     {"PortalSession"},
	"GrantLookback":   {"OktaSession"},
	// Answers.
	"JoinAssertion":  {"JoinSubject"},
	"JoinSubject":    {"JoinEmail"},
	"JoinEmail":      {"JoinSubject"},
	"JoinPortal":     {"JoinEmail"},
	"MFAYes":         {"MFANo"},
	"MFANo":          {"MFAUnknown"},
	"MFAUnknown":     {"MFANo"},
	"FactorPassword": {"FactorQuestion"},
	"FactorQuestion": {"FactorPassword", "FactorPush"},
	"FactorFastPass": {"FactorPush"},
	"InGap":          {"Pending", "BeforeCoverage"},
	"BeforeCoverage": {"Pending", "InGap"},
	"Pending":        {"InGap"},
	"NoProvider":     {"Pending"},
	"NoOktaSession":  {"Pending"},
	"Resolved":       {"Open"},
	"Open":           {"Resolved"},
	"GroupAdded":     {"GroupRemoved"},
	"IdentityCenter": {"Direct"},
	"Direct":         {"IdentityCenter"},
	"VerdictFinding": {"VerdictUnknown"},
	"VerdictUnknown": {"VerdictAllowed"},
	"VerdictAllowed": {"VerdictUnknown"},
}

// constants are those of the names above that belong to schemas and not to a
// value.
var constants = map[string]bool{
	"JoinAssertion": true, "JoinSubject": true, "JoinEmail": true, "JoinPortal": true,
	"MFAYes": true, "MFANo": true, "MFAUnknown": true,
	"FactorPassword": true, "FactorQuestion": true, "FactorFastPass": true,
	"InGap": true, "BeforeCoverage": true, "Pending": true, "NoProvider": true, "NoOktaSession": true,
	"Resolved": true, "Open": true, "GroupAdded": true, "IdentityCenter": true, "Direct": true,
	"VerdictFinding": true, "VerdictUnknown": true, "VerdictAllowed": true,
}

// roleless are what has an account and no role: assignments and deeds.
var roleless = map[string]bool{"f.Assignment": true, "d": true}

// swaps puts another field or constant in place of the one that is named.
func (g *generator) swaps(s *ast.SelectorExpr) {
	f := g.fn.file
	if g.called(s) {
		return
	}
	_, inType := s.X.(*ast.SelectorExpr) // of a value's field, as in f.Who.Login
	for _, other := range swapped[s.Sel.Name] {
		switch {
		case g.cases[f.at(s)] && g.cases[f.at(s.X)+"."+other]:
			continue
		case constants[s.Sel.Name] != (f.at(s.X) == "schemas"):
			continue
		case s.Sel.Name == "Login" && !inType && f.at(s.X) != "w":
			continue
		case other == "Role" && roleless[f.at(s.X)]:
			continue
		}
		g.replace("swap", s, f.at(s)+" -> "+other, f.at(s.X)+"."+other)
	}
}
