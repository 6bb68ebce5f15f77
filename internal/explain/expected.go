package explain

// expected is what ought to have been where a rule is broken.
func expected(rule string) string {
	return map[string]string{
		"assertion_mismatch":   "AWS sees the assertion that Okta issued: its id is the same in both logs.",
		"break_glass":          "Roles for emergencies are used in emergencies, and an approval is on record.",
		"chained_role":         "Nothing else: that a session goes on into further roles is pointed out, not held against it.",
		"credential_created":   "Who comes through Okta makes no credential that stays behind.",
		"failed_assumptions":   "An assumption is refused now and then, not one after the other.",
		"late_revocation":      "Access is taken away at its approved end.",
		"lingering_membership": "Access is taken away at its approved end.",
		"log_tampered":         "The logs that proof rests on run on, and as they are.",
		"long_session":         "A session is no longer than the policy allows.",
		"manual_grant":         "Access is given by the process that the policy trusts.",
		"name_mismatch":        "The role session bears a name of the person.",
		"no_grant":             "Whoever assumes a role has been given it.",
		"no_mfa":               "Whoever signs on has given a second factor in that Okta session.",
		"no_sign_on":           "Behind every assumption there is a sign-on in Okta.",
		"orphan_activity":      "It is known how the credentials of a watched role were made.",
		"outlived_grant":       "Credentials are not used after the grant, and end soon after it.",
		"outside_grant":        "A role is assumed while its grant lasts.",
		"outside_hours":        "Roles are assumed within the approved hours.",
		"self_approved":        "Requests are approved by somebody else.",
		"self_granted":         "Nobody gives access to themselves.",
		"source_gap":           "The logs are complete wherever a rule needs them.",
		"source_mismatch":      "The role is assumed from where the person signed on.",
		"standing_access":      "Access has an end, or does not last longer than the policy allows.",
		"static_credential":    "Watched accounts and roles are entered through Okta.",
		"trust_changed":        "What federation and sign-on rest on is changed as planned, and by those who should.",
		"unattributed":         "Every session is that of somebody whom Okta knows.",
		"unknown_provider":     "Roles are assumed through the SAML providers of the policy.",
		"unmapped_group":       "The policy knows what every AWS group opens.",
		"unused_grant":         "Access that is asked for is used.",
		"web_identity":         "Watched roles are assumed through Okta.",
	}[rule]
}
