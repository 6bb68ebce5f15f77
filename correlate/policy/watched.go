package policy

// Watched reports whether entries into an account, and into a role of it, that
// do not come through SAML are findings. Role may be empty: the account as such,
// which is watched with any of its roles, unless those are watched in all accounts.
func (p *Policy) Watched(account, role string) bool {
	for i := range p.watched {
		w := &p.watched[i]
		if w.account(account) && (w.everyRole || role == "" && !w.everyAccount || matchAny(w.roles, role)) {
			return true
		}
	}
	return false
}

func (d *decoder) watched(root object, a *accounts) []scope {
	var out []scope
	for i, n := range d.list(root.values["watched"], "watched") {
		o := d.object(n, index("watched", i), "accounts", "roles")
		if o.line > 0 && len(o.values) == 0 {
			d.errorf(o.line, "%s needs accounts or roles: write accounts: ['*'] to watch all", o.path)
		}
		out = append(out, d.scope(o, a))
	}
	return out
}
