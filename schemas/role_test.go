package schemas_test

import (
	"testing"

	"jitaudit/schemas"
)

func TestRolesOfARNs(t *testing.T) {
	tests := []struct {
		name, arn, account, role string
	}{
		{"role", "arn:aws:iam::111111111111:role/Admin", "111111111111", "Admin"},
		{"role with a path", "arn:aws:iam::111111111111:role/team/jit/Admin", "111111111111", "Admin"},
		{"role in another partition", "arn:aws-us-gov:iam::111111111111:role/Admin", "111111111111", "Admin"},
		{"assumed role", "arn:aws:sts::111111111111:assumed-role/Admin/ada@example.com", "111111111111", "Admin"},
		{"assumed role with slashes in the session", "arn:aws:sts::111111111111:assumed-role/Admin/a/b", "111111111111", "Admin"},
		{"assumed role without a session", "arn:aws:sts::111111111111:assumed-role/Admin", "111111111111", "Admin"},
		{"permission set", "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Read_Only_0123456789abcdef", "111111111111", "Read_Only"},
		{"permission set in use", "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_ReadOnly_0123456789abcdef/ada", "111111111111", "ReadOnly"},
		{"user", "arn:aws:iam::111111111111:user/ada", "", ""},
		{"no ARN", "Admin", "", ""},
		{"six parts that are no ARN", "urn:aws:iam::111111111111:role/Admin", "", ""},
		{"too short", "arn:aws:iam::111111111111", "", ""},
		{"empty", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if account, role := schemas.RoleOf(tt.arn); account != tt.account || role != tt.role {
				t.Errorf("RoleOf(%q) = %q, %q, want %q, %q", tt.arn, account, role, tt.account, tt.role)
			}
		})
	}
}

func TestPermissionSets(t *testing.T) {
	for role, want := range map[string]string{
		"Admin":                                   "Admin",
		"AWSReservedSSO_Admin_0123456789abcdef":   "Admin",
		"AWSReservedSSO_A_b_0123456789abcdef":     "A_b",
		"AWSReservedSSO_Admin_notHEX":             "AWSReservedSSO_Admin_notHEX",
		"AWSReservedSSO_Admin_":                   "AWSReservedSSO_Admin_",
		"AWSReservedSSO_Admin":                    "AWSReservedSSO_Admin",
		"AWSReservedSSO__0123456789abcdef":        "AWSReservedSSO__0123456789abcdef",
		"my-AWSReservedSSO_Admin_0123456789abcde": "my-AWSReservedSSO_Admin_0123456789abcde",
	} {
		if got := schemas.PermissionSet(role); got != want {
			t.Errorf("PermissionSet(%q) = %q, want %q", role, got, want)
		}
	}
}
