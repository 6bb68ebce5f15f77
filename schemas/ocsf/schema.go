// Package ocsf holds what the Open Cybersecurity Schema Framework demands of the
// events that jitaudit sends to SIEMs, and checks events against it: four classes,
// the objects in them, which attributes must be there, of what type each is and
// which values an enumeration has. What it does not hold it refuses, so that
// nothing is sent that was not looked up.
//
// The facts are those of the published schema, https://schema.ocsf.io/1.5.0 (its
// sources are tag 1.5.0 of github.com/ocsf/ocsf-schema).
package ocsf

import "maps"

// Version is the version of the schema. It is the first stable one in which an
// authentication factor need not name a mail address, a phone number or questions
// (ocsf-schema issue 1338); a push or a security key has none of them.
const Version = "1.5.0"

// The classes of events.
const (
	Authentication   = 3002
	AuthorizeSession = 3003
	GroupManagement  = 3006
	DetectionFinding = 2004
)

// kind is a type of values.
type kind string

const (
	text     kind = "string_t"
	integer  kind = "integer_t"
	long     kind = "long_t"
	moment   kind = "timestamp_t" // milliseconds since 1970, UTC
	boolean  kind = "boolean_t"
	address  kind = "ip_t"
	email    kind = "email_t"
	link     kind = "url_t"
	username kind = "username_t"
	resource kind = "resource_uid_t"
	anything kind = "json_t"
	object   kind = "object" // of the type that attribute.object names
	free     kind = "any object"
)

// attribute is one field of a class or object.
type attribute struct {
	kind kind
	// object names the type of an object.
	object string
	// list: an array of such values.
	list bool
	// must: it is required.
	must bool
	// profile: it belongs to the schema only where metadata.profiles has this one.
	profile string
	// enum are the values of an integer, with what each is called; caption is the
	// sibling attribute that says it in words.
	enum    map[int64]string
	caption string
}

func of(k kind) attribute                 { return attribute{kind: k} }
func one(name string) attribute           { return attribute{kind: object, object: name} }
func (a attribute) many() attribute       { a.list = true; return a }
func (a attribute) required() attribute   { a.must = true; return a }
func (a attribute) in(p string) attribute { a.profile = p; return a }

// id is an integer of an enumeration, which its caption says in words.
func id(caption string, values map[int64]string) attribute {
	return attribute{kind: integer, enum: values, caption: caption}
}

type attributes map[string]attribute

// structure is an object, or what a class is made of.
type structure struct {
	attributes attributes
	// atLeast are attributes of which one or more must be there, just those of
	// which exactly one must be.
	atLeast, just []string
}

// class is a class of events.
type class struct {
	structure
	name     string
	category int64
}

// Profiles that an event may name in metadata.profiles, of those in the schema.
const cloudProfile = "cloud"

// categories are those of the classes.
func categories() map[int64]string {
	return map[int64]string{2: "Findings", 3: "Identity & Access Management"}
}

// everywhere is what every class has.
func everywhere(activities, statuses map[int64]string) attributes {
	return attributes{
		"activity_id":     id("activity_name", with(activities)).required(),
		"activity_name":   of(text),
		"category_name":   of(text),
		"category_uid":    of(integer).required(),
		"class_name":      of(text),
		"class_uid":       of(integer).required(),
		"cloud":           one("cloud").required().in(cloudProfile),
		"count":           of(integer),
		"duration":        of(long),
		"end_time":        of(moment),
		"message":         of(text),
		"metadata":        one("metadata").required(),
		"observables":     one("observable").many(),
		"raw_data":        of(text),
		"severity":        of(text),
		"severity_id":     id("severity", severities()).required(),
		"start_time":      of(moment),
		"status":          of(text),
		"status_code":     of(text),
		"status_detail":   of(text),
		"status_id":       id("status", with(statuses)),
		"time":            of(moment).required(),
		"timezone_offset": of(integer),
		"type_name":       of(text),
		"type_uid":        of(long).required(),
		"unmapped":        of(free),
	}
}

// with adds the two values that every enumeration has.
func with(values map[int64]string) map[int64]string {
	values[0], values[99] = "Unknown", "Other"
	return values
}

func severities() map[int64]string {
	return with(map[int64]string{1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical", 6: "Fatal"})
}

func outcomes() map[int64]string { return map[int64]string{1: "Success", 2: "Failure"} }

func (a attributes) and(more attributes) attributes {
	maps.Copy(a, more)
	return a
}
