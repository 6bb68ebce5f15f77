package schemas

import "strings"

// RoleOf takes account and role out of the ARN of a role or of an assumed role
// ("arn:aws:iam::111111111111:role/path/NAME",
// "arn:aws:sts::111111111111:assumed-role/NAME/SESSION"). The role is without
// path; one of IAM Identity Center, AWSReservedSSO_NAME_HEX, is the permission
// set NAME (IAM Identity Center user guide). Both are empty for anything else.
func RoleOf(arn string) (account, role string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", ""
	}
	resource := parts[5]
	if rest, ok := strings.CutPrefix(resource, "assumed-role/"); ok {
		role, _, _ = strings.Cut(rest, "/")
	} else if rest, ok := strings.CutPrefix(resource, "role/"); ok {
		role = rest[strings.LastIndexByte(rest, '/')+1:]
	} else {
		return "", ""
	}
	return parts[4], PermissionSet(role)
}

// PermissionSet is the name of the permission set behind a role that IAM
// Identity Center made, AWSReservedSSO_NAME_HEX; any other role is left as it is.
func PermissionSet(role string) string {
	name, ok := strings.CutPrefix(role, "AWSReservedSSO_")
	if !ok {
		return role
	}
	n := strings.LastIndexByte(name, '_')
	if n <= 0 || n == len(name)-1 || strings.Trim(name[n+1:], "0123456789abcdef") != "" {
		return role
	}
	return name[:n]
}
