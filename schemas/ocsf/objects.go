package ocsf

// objects are those that the classes use, by name.
func objects() map[string]*structure {
	named := []string{"name", "uid"}
	all := map[string]*structure{
		"account": {atLeast: named, attributes: attributes{
			"labels": of(text).many(), "name": of(text), "type": of(text), "type_id": id("type", accountTypes()), "uid": of(text),
		}},
		"actor": {atLeast: []string{"process", "user", "invoked_by", "session", "app_name", "app_uid"}, attributes: attributes{
			"app_name": of(text), "app_uid": of(text), "idp": one("idp"), "invoked_by": of(text), "session": one("session"), "user": one("user"),
		}},
		"auth_factor": {attributes: attributes{
			"email_addr": of(email), "factor_type": of(text), "factor_type_id": id("factor_type", factorTypes()).required(),
			"is_hotp": of(boolean), "is_totp": of(boolean), "phone_number": of(text), "provider": of(text), "security_questions": of(text).many(),
		}},
		"cloud": {attributes: attributes{
			"account": one("account"), "cloud_partition": of(text), "org": one("organization"), "project_uid": of(text),
			"provider": of(text).required(), "region": of(text), "zone": of(text),
		}},
		"group": {atLeast: named, attributes: attributes{
			"desc": of(text), "domain": of(text), "name": of(text), "privileges": of(text).many(), "type": of(text), "uid": of(text),
		}},
		"idp": {atLeast: named, attributes: attributes{
			"auth_factors": one("auth_factor").many(), "domain": of(text), "has_mfa": of(boolean), "issuer": of(text), "name": of(text),
			"protocol_name": of(text), "tenant_uid": of(text), "uid": of(text), "url_string": of(link),
		}},
		"network_endpoint": {
			atLeast: []string{"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name", "domain"},
			attributes: attributes{
				"domain": of(text), "ip": of(address), "name": of(text), "owner": one("user"), "svc_name": of(text), "uid": of(text),
			},
		},
		"observable": {attributes: attributes{
			"name": of(text), "type": of(text), "type_id": id("type", observableTypes()).required(), "value": of(text),
		}},
		"organization": {atLeast: named, attributes: attributes{
			"name": of(text), "ou_name": of(text), "ou_uid": of(text), "uid": of(text),
		}},
		"resource_details": {atLeast: named, attributes: attributes{
			"cloud_partition": of(text).in(cloudProfile), "criticality": of(text), "data": of(anything), "group": one("group"),
			"labels": of(text).many(), "name": of(text), "namespace": of(text), "owner": one("user"), "region": of(text).in(cloudProfile),
			"type": of(text), "uid": of(resource), "uid_alt": of(resource), "version": of(text),
		}},
		"service": {atLeast: named, attributes: attributes{
			"labels": of(text).many(), "name": of(text), "uid": of(text), "version": of(text),
		}},
		"session": {attributes: attributes{
			"count": of(integer), "created_time": of(moment), "credential_uid": of(text), "expiration_reason": of(text),
			"expiration_time": of(moment), "is_mfa": of(boolean), "is_remote": of(boolean), "is_vpn": of(boolean), "issuer": of(text),
			"terminal": of(text), "uid": of(text), "uid_alt": of(text),
		}},
		"user": {atLeast: []string{"account", "name", "uid"}, attributes: attributes{
			"account": one("account"), "credential_uid": of(text), "display_name": of(text), "domain": of(text), "email_addr": of(email),
			"full_name": of(text), "groups": one("group").many(), "has_mfa": of(boolean), "name": of(username), "org": one("organization"),
			"type": of(text), "type_id": id("type", with(map[int64]string{1: "User", 2: "Admin", 3: "System"})), "uid": of(text), "uid_alt": of(text),
		}},
	}
	for name, o := range ofEvents() {
		all[name] = o
	}
	for name, o := range ofFindings() {
		all[name] = o
	}
	return all
}

// ofEvents are the objects that say where an event comes from.
func ofEvents() map[string]*structure {
	return map[string]*structure{
		"metadata": {attributes: attributes{
			"correlation_uid": of(text), "event_code": of(text), "labels": of(text).many(), "log_level": of(text), "log_name": of(text),
			"log_provider": of(text), "log_version": of(text), "logged_time": of(moment), "modified_time": of(moment),
			"original_time": of(text), "processed_time": of(moment), "product": one("product").required(), "profiles": of(text).many(),
			"sequence": of(integer), "tenant_uid": of(text), "uid": of(text), "version": of(text).required(),
		}},
		"product": {atLeast: []string{"name", "uid"}, attributes: attributes{
			"cpe_name": of(text), "feature": one("feature"), "lang": of(text), "name": of(text), "path": of(text), "uid": of(text),
			"url_string": of(link), "vendor_name": of(text), "version": of(text),
		}},
		"feature": {atLeast: []string{"name", "uid"}, attributes: attributes{
			"name": of(text), "uid": of(text), "version": of(text),
		}},
	}
}

// ofFindings are the objects that only a Detection Finding has.
func ofFindings() map[string]*structure {
	named := []string{"name", "uid"}
	known := func() attributes { return attributes{"name": of(text), "src_url": of(link), "uid": of(text)} }
	return map[string]*structure{
		"analytic": {atLeast: named, attributes: attributes{
			"category": of(text), "desc": of(text), "name": of(text), "related_analytics": one("analytic").many(), "type": of(text),
			"type_id": id("type", analyticTypes()).required(), "uid": of(text), "version": of(text),
		}},
		"attack": {atLeast: []string{"tactic", "technique", "sub_technique"}, attributes: attributes{
			"sub_technique": one("sub_technique"), "tactic": one("tactic"), "tactics": one("tactic").many(), "technique": one("technique"), "version": of(text),
		}},
		"sub_technique": {atLeast: named, attributes: known()},
		"tactic":        {atLeast: named, attributes: known()},
		"technique":     {atLeast: named, attributes: known()},
		"evidences": {
			atLeast: []string{
				"actor", "api", "connection_info", "data", "database", "databucket", "device", "dst_endpoint", "email", "file", "process",
				"query", "resources", "src_endpoint", "url", "user", "job", "script",
			},
			attributes: attributes{
				"actor": one("actor"), "data": of(anything), "dst_endpoint": one("network_endpoint"), "name": of(text),
				"resources": one("resource_details").many(), "src_endpoint": one("network_endpoint"), "uid": of(text), "user": one("user"),
			},
		},
		"finding_info": {attributes: attributes{
			"analytic": one("analytic"), "attacks": one("attack").many(), "created_time": of(moment), "data_sources": of(text).many(),
			"desc": of(text), "first_seen_time": of(moment), "last_seen_time": of(moment), "modified_time": of(moment),
			"product": one("product"), "product_uid": of(text), "related_analytics": one("analytic").many(),
			"related_events": one("related_event").many(), "related_events_count": of(integer), "src_url": of(link), "title": of(text),
			"types": of(text).many(), "uid": of(text).required(), "uid_alt": of(text),
		}},
		"related_event": {attributes: attributes{
			"attacks": one("attack").many(), "count": of(integer), "created_time": of(moment), "desc": of(text), "product": one("product"),
			"product_uid": of(text), "severity": of(text), "severity_id": id("severity", severities()), "title": of(text), "type": of(text),
			"type_name": of(text), "type_uid": of(long), "uid": of(text).required(),
		}},
		"remediation": {attributes: attributes{
			"desc": of(text).required(), "references": of(text).many(),
		}},
	}
}

func accountTypes() map[int64]string {
	return with(map[int64]string{
		1: "LDAP Account", 2: "Windows Account", 3: "AWS IAM User", 4: "AWS IAM Role", 5: "GCP Account", 6: "Azure AD Account",
		7: "Mac OS Account", 8: "Apple Account", 9: "Linux Account", 10: "AWS Account", 11: "GCP Project", 12: "OCI Compartment",
		13: "Azure Subscription", 14: "Salesforce Account", 15: "Google Workspace", 16: "Servicenow Instance", 17: "M365 Tenant",
		18: "Email Account",
	})
}

func factorTypes() map[int64]string {
	return map[int64]string{
		0: "Unknown", 1: "SMS", 2: "Security Question", 3: "Phone Call", 4: "Biometric", 5: "Push Notification", 6: "Hardware Token",
		7: "OTP", 8: "Email", 9: "U2F", 10: "WebAuthn", 11: "Password", 99: "Other",
	}
}

func analyticTypes() map[int64]string {
	return with(map[int64]string{
		1: "Rule", 2: "Behavioral", 3: "Statistical", 4: "Learning (ML/DL)", 5: "Fingerprinting", 6: "Tagging", 7: "Keyword Match",
		8: "Regular Expressions", 9: "Exact Data Match", 10: "Partial Data Match", 11: "Indexed Data Match",
	})
}

// observableTypes are those of the schema that are types of values; there are more,
// for single attributes and whole objects.
func observableTypes() map[int64]string {
	return with(map[int64]string{
		1: "Hostname", 2: "IP Address", 3: "MAC Address", 4: "User Name", 5: "Email Address", 6: "URL String", 7: "File Name", 8: "Hash",
		9: "Process Name", 10: "Resource UID", 11: "Port", 12: "Subnet", 45: "File Path",
	})
}
