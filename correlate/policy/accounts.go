package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// account is a name for an AWS account.
type account struct{ alias, id string }

// accounts are the names of the policy, in the order of the file.
type accounts struct {
	list  []account
	ids   map[string]string // by folded alias
	names map[string]string // by id, the first name
}

func (d *decoder) accounts(root object) accounts {
	a := accounts{ids: map[string]string{}, names: map[string]string{}}
	pairs, _ := d.pairs(root.values["accounts"], "accounts")
	for _, p := range pairs {
		id := d.string(p.value, "accounts."+p.key)
		switch {
		case id == "":
			continue
		case !isAccountID(id):
			d.errorf(p.line, "accounts.%s: %s is no account id: it has exactly 12 digits", p.key, quote(id))
			continue
		case p.key == "" || isAccountID(p.key) || strings.ContainsAny(p.key, "* \t\n"):
			d.errorf(p.line, "accounts: %s can't be a name: use a word without spaces and *, and no account id", quote(p.key))
			continue
		case a.ids[fold(p.key)] != "":
			d.errorf(p.line, "accounts: %s differs from another name only in case", quote(p.key))
			continue
		}
		a.list = append(a.list, account{p.key, id})
		a.ids[fold(p.key)] = id
		if a.names[id] == "" {
			a.names[id] = p.key
		}
	}
	return a
}

// aliases are the names, in the order of the file.
func (a *accounts) aliases() []string {
	out := make([]string, len(a.list))
	for i, e := range a.list {
		out[i] = e.alias
	}
	return out
}

// id resolves a name as written in the policy; "" when it is unknown.
func (a *accounts) id(alias string) string {
	i := slices.IndexFunc(a.list, func(e account) bool { return e.alias == alias })
	if i < 0 {
		return ""
	}
	return a.list[i].id
}

// Accounts are the ids of all accounts that the policy names, distinct and sorted.
func (p *Policy) Accounts() []string {
	return slices.Sorted(maps.Keys(p.accounts.names))
}

// AccountID is the 12-digit id of an account that is given by id or, in any case,
// by name; "" where the policy knows no such name.
func (p *Policy) AccountID(account string) string {
	if isAccountID(account) {
		return account
	}
	return p.accounts.ids[fold(account)]
}

// resolve reads an account that is given by id or by name.
func (d *decoder) resolve(a *accounts, path, text string, line int) string {
	if isAccountID(text) {
		return text
	}
	if id := a.id(text); id != "" {
		return id
	}
	if strings.Trim(text, "0123456789") == "" {
		d.errorf(line, "%s: %s is no account id: it has exactly 12 digits", path, quote(text))
		return ""
	}
	d.errorf(line, "%s: %s is no name in accounts%s", path, quote(text), Suggestion(text, a.aliases()))
	return ""
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
