package ocsf

// classes are the four that are sent.
func classes() map[int64]*class {
	return map[int64]*class{
		DetectionFinding: detectionFinding(),
		Authentication:   authentication(),
		AuthorizeSession: authorizeSession(),
		GroupManagement:  groupManagement(),
	}
}

func detectionFinding() *class {
	activities := map[int64]string{1: "Create", 2: "Update", 3: "Close"}
	statuses := map[int64]string{1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved", 5: "Archived"}
	return &class{name: "Detection Finding", category: 2, structure: structure{
		attributes: everywhere(activities, statuses).and(attributes{
			"comment":          of(text),
			"confidence":       of(text),
			"confidence_id":    id("confidence", with(map[int64]string{1: "Low", 2: "Medium", 3: "High"})),
			"confidence_score": of(integer),
			"evidences":        one("evidences").many(),
			"finding_info":     one("finding_info").required(),
			"impact":           of(text),
			"impact_id":        id("impact", with(map[int64]string{1: "Low", 2: "Medium", 3: "High", 4: "Critical"})),
			"impact_score":     of(integer),
			"is_alert":         of(boolean),
			"remediation":      one("remediation"),
			"resources":        one("resource_details").many(),
			"risk_details":     of(text),
			"risk_level":       of(text),
			"risk_level_id":    id("risk_level", riskLevels()),
			"risk_score":       of(integer),
		}),
	}}
}

func riskLevels() map[int64]string {
	return map[int64]string{0: "Info", 1: "Low", 2: "Medium", 3: "High", 4: "Critical", 99: "Other"}
}

func authentication() *class {
	activities := map[int64]string{
		1: "Logon", 2: "Logoff", 3: "Authentication Ticket", 4: "Service Ticket Request", 5: "Service Ticket Renew", 6: "Preauth",
	}
	return &class{name: "Authentication", category: 3, structure: structure{
		atLeast: []string{"service", "dst_endpoint"},
		attributes: everywhere(activities, outcomes()).and(attributes{
			"actor":            one("actor"),
			"auth_factors":     one("auth_factor").many(),
			"auth_protocol":    of(text),
			"auth_protocol_id": id("auth_protocol", protocols()),
			"dst_endpoint":     one("network_endpoint"),
			"is_cleartext":     of(boolean),
			"is_mfa":           of(boolean),
			"is_new_logon":     of(boolean),
			"is_remote":        of(boolean),
			"logon_type":       of(text),
			"logon_type_id":    id("logon_type", logonTypes()),
			"service":          one("service"),
			"session":          one("session"),
			"src_endpoint":     one("network_endpoint"),
			"user":             one("user").required(),
		}),
	}}
}

func protocols() map[int64]string {
	return with(map[int64]string{
		1: "NTLM", 2: "Kerberos", 3: "Digest", 4: "OpenID", 5: "SAML", 6: "OAUTH 2.0", 7: "PAP", 8: "CHAP", 9: "EAP", 10: "RADIUS",
		11: "Basic Authentication", 12: "LDAP",
	})
}

func logonTypes() map[int64]string {
	return with(map[int64]string{
		1: "System", 2: "Interactive", 3: "Network", 4: "Batch", 5: "OS Service", 7: "Unlock", 8: "Network Cleartext",
		9: "New Credentials", 10: "Remote Interactive", 11: "Cached Interactive", 12: "Cached Remote Interactive", 13: "Cached Unlock",
	})
}

func authorizeSession() *class {
	return &class{name: "Authorize Session", category: 3, structure: structure{
		just: []string{"privileges", "group"},
		attributes: everywhere(map[int64]string{1: "Assign Privileges", 2: "Assign Groups"}, outcomes()).and(attributes{
			"actor":        one("actor"),
			"dst_endpoint": one("network_endpoint"),
			"group":        one("group"),
			"privileges":   of(text).many(),
			"session":      one("session"),
			"src_endpoint": one("network_endpoint"),
			"user":         one("user").required(),
		}),
	}}
}

func groupManagement() *class {
	activities := map[int64]string{
		1: "Assign Privileges", 2: "Revoke Privileges", 3: "Add User", 4: "Remove User", 5: "Delete", 6: "Create",
	}
	return &class{name: "Group Management", category: 3, structure: structure{
		attributes: everywhere(activities, outcomes()).and(attributes{
			"actor":        one("actor"),
			"group":        one("group").required(),
			"privileges":   of(text).many(),
			"resource":     one("resource_details"),
			"src_endpoint": one("network_endpoint"),
			"user":         one("user"),
		}),
	}}
}
