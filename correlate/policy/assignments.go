package policy

import "strings"

// AssignmentTargets are the roles that an account assignment opens: the
// permission set that the policy names for the ARN; nil when it names none.
func (p *Policy) AssignmentTargets(account, permissionSet string) []Target {
	name := p.permissionSets[permissionSet]
	if name == "" || !isAccountID(account) {
		return nil
	}
	return []Target{{account, name, p.assigned}}
}

func (d *decoder) permissionSets(root object) (names map[string]string, order []string) {
	names = map[string]string{}
	pairs, _ := d.pairs(root.values["permission_sets"], "permission_sets")
	for _, pr := range pairs {
		name := d.string(pr.value, "permission_sets."+pr.key)
		switch {
		case !strings.HasPrefix(pr.key, "arn:") || !strings.Contains(pr.key, ":permissionSet/"):
			d.errorf(pr.line, "permission_sets: %s is no ARN of a permission set: write arn:aws:sso:::permissionSet/ssoins-…/ps-…", quote(pr.key))
		case name != "" && !isRole(name):
			d.errorf(pr.line, "permission_sets: %s is no name of a permission set", quote(name))
		case name != "":
			names[pr.key] = name
			order = append(order, pr.key)
		}
	}
	return names, order
}
