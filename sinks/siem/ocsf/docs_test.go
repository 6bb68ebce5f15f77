package ocsf_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// The classification and who made an event are explained once, not by attribute.
var explained = []string{
	"activity_id", "activity_name", "category_uid", "category_name", "class_uid", "class_name", "type_uid", "type_name", "severity",
	"status", "auth_protocol", "finding_info.product_uid",
}

// paths are those of an event that a reader of the guide must find: attributes of the
// event, and those of its larger objects.
func paths(event map[string]any) (all []string) {
	for key, value := range event {
		inner, ok := value.(map[string]any)
		if !ok || !slices.Contains([]string{"metadata", "finding_info", "session", "unmapped"}, key) {
			all = append(all, key)
			continue
		}
		for name := range inner {
			all = append(all, key+"."+name)
		}
	}
	return all
}

func TestTheGuideNamesEveryAttribute(t *testing.T) {
	b, err := os.ReadFile("../../../docs/receivers/ocsf.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(b)
	missing := make(map[string]bool)
	for _, n := range notices() {
		for _, e := range events(t, n) {
			for _, path := range paths(fields(t, e)) {
				_, name, nested := strings.Cut(path, ".")
				found := slices.Contains(explained, path) || strings.Contains(guide, "`"+path)
				if nested { // named in full, or after another of the same object
					found = found || strings.Contains(guide, "`."+name+"`") || strings.HasPrefix(path, "unmapped.") && strings.Contains(guide, "`"+name+"`")
				}
				if !found {
					missing[path] = true
				}
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("the guide does not name %q", slices.Sorted(maps.Keys(missing)))
	}
}
