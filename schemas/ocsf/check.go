package ocsf

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Checker holds events against the schema. It may be used by many at once.
type Checker struct {
	classes map[int64]*class
	objects map[string]*structure
	email   *regexp.Regexp
}

// NewChecker makes a checker.
func NewChecker() *Checker {
	return &Checker{
		classes: classes(), objects: objects(),
		// As the schema's dictionary has it.
		email: regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\\.[a-zA-Z0-9-.]+$"),
	}
}

// Check says what of an event, a JSON object, is not as the schema wants it: each
// required attribute that is missing, each value of another type, each number that
// is outside of its enumeration, each attribute that is not known, and names or
// numbers that contradict each other. An event of which nothing can be said is
// correct.
func Check(event []byte) []error { return NewChecker().Check(event) }

// Check is the function of that name.
func (c *Checker) Check(event []byte) []error {
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return []error{errors.Join(errors.New("the event is no JSON object"), err)}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return []error{errors.New("something follows the event")}
	}
	uid, ok := whole(fields["class_uid"])
	if !ok {
		return []error{errors.New("class_uid: required, and missing or no whole number")}
	}
	cl := c.classes[uid]
	if cl == nil {
		return []error{fmt.Errorf("class_uid: %d is none of the classes that are known here", uid)}
	}
	k := &check{Checker: c, profiles: profilesOf(fields)}
	k.structure("", &cl.structure, fields)
	k.consistent(uid, cl, fields)
	return k.broken
}

// check is of one event.
type check struct {
	*Checker
	profiles []string
	broken   []error
}

func (k *check) report(path, format string, args ...any) {
	k.broken = append(k.broken, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func profilesOf(fields map[string]any) (names []string) {
	metadata, _ := fields["metadata"].(map[string]any)
	list, _ := metadata["profiles"].([]any)
	for _, p := range list {
		if name, ok := p.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// structure checks the fields of an object; path is empty or ends in a dot.
func (k *check) structure(path string, s *structure, fields map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(s.attributes)) {
		a := s.attributes[name]
		active := a.profile == "" || slices.Contains(k.profiles, a.profile)
		value, there := fields[name]
		switch {
		case !there && a.must && active:
			k.report(path+name, "required, and missing")
		case !there:
		case !active:
			k.report(path+name, "is of profile %q, which metadata.profiles does not name", a.profile)
		default:
			k.attribute(path+name, a, value)
			k.captioned(path, name, a, fields)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if _, known := s.attributes[name]; !known {
			k.report(path+name, "is not known here")
		}
	}
	of := func(names []string) (n int) {
		for _, name := range names {
			if _, there := fields[name]; there {
				n++
			}
		}
		return n
	}
	where := cmp.Or(strings.TrimSuffix(path, "."), "the event")
	if len(s.atLeast) > 0 && of(s.atLeast) == 0 {
		k.report(where, "needs at least one of %s", strings.Join(s.atLeast, ", "))
	}
	if n := of(s.just); len(s.just) > 0 && n != 1 {
		k.report(where, "needs exactly one of %s, and has %d", strings.Join(s.just, ", "), n)
	}
}

func (k *check) attribute(path string, a attribute, value any) {
	if !a.list {
		k.value(path, a, value)
		return
	}
	list, ok := value.([]any)
	if !ok {
		k.report(path, "want a list of %s (got %s)", a.kind, kindOf(value))
		return
	}
	for i, v := range list {
		k.value(fmt.Sprintf("%s[%d]", path, i), a, v)
	}
}

func (k *check) value(path string, a attribute, value any) {
	want := func(ok bool) {
		if !ok {
			k.report(path, "want %s (got %s)", a.kind, kindOf(value))
		}
	}
	s, isText := value.(string)
	switch a.kind {
	case anything:
	case object:
		if fields, ok := value.(map[string]any); ok {
			k.structure(path+".", k.objects[a.object], fields)
		} else {
			want(false)
		}
	case free:
		_, ok := value.(map[string]any)
		want(ok)
	case boolean:
		_, ok := value.(bool)
		want(ok)
	case integer, long, moment:
		n, ok := whole(value)
		want(ok)
		if _, named := a.enum[n]; ok && a.enum != nil && !named {
			k.report(path, "%d is not in the enumeration", n)
		}
	case address:
		_, err := netip.ParseAddr(s)
		want(isText && err == nil)
	case email:
		want(isText && k.email.MatchString(s))
	default:
		want(isText)
	}
}

// captioned checks that a caption says what the number says. What 99, Other, stands
// for is free.
func (k *check) captioned(path, name string, a attribute, fields map[string]any) {
	said, there := fields[a.caption].(string)
	n, ok := whole(fields[name])
	if !there || !ok || a.enum == nil || n == 99 {
		return
	}
	if want, named := a.enum[n]; named && said != want {
		k.report(path+a.caption, "is %q, but %s %d is %q", said, name, n, want)
	}
}

// consistent checks what of the classification follows from the class and activity.
func (k *check) consistent(uid int64, cl *class, fields map[string]any) {
	number := func(name string, want int64) {
		if got, ok := whole(fields[name]); ok && got != want {
			k.report(name, "is %d, want %d", got, want)
		}
	}
	name := func(name, want string) {
		if got, ok := fields[name].(string); ok && got != want {
			k.report(name, "is %q, want %q", got, want)
		}
	}
	number("category_uid", cl.category)
	name("category_name", categories()[cl.category])
	name("class_name", cl.name)
	if activity, ok := whole(fields["activity_id"]); ok {
		number("type_uid", uid*100+activity)
		name("type_name", cl.name+": "+cl.attributes["activity_id"].enum[activity])
	}
	metadata, _ := fields["metadata"].(map[string]any)
	if got, ok := metadata["version"].(string); ok && got != Version {
		k.report("metadata.version", "is %q, want %q", got, Version)
	}
	for _, p := range k.profiles {
		if p != cloudProfile {
			k.report("metadata.profiles", "%q is not known here", p)
		}
	}
}

// whole is a value as a whole number.
func whole(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return n, err == nil
}

func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("the text %.40q", v)
	case json.Number:
		return "the number " + v.String()
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	}
	return "an object"
}
