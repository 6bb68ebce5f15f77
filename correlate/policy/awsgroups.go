package policy

import (
	"regexp"
	"slices"
)

// usualGroups are the names that stand for access to AWS where the policy does
// not say: those of Okta's guide to role-based access, and AWS-….
var usualGroups = []string{`(?i)aws-.+`, `aws#.+`, `aws_\(.+`, `arn:aws[a-z-]*:iam::.+`}

// LooksLikeAWS reports whether a group's name is one that stands for access to
// AWS, mapped or not.
func (p *Policy) LooksLikeAWS(group string) bool {
	return slices.ContainsFunc(p.awsGroups, func(re *regexp.Regexp) bool { return re.MatchString(group) })
}

func (d *decoder) awsGroups(root object) []*regexp.Regexp {
	patterns := make([]word, len(usualGroups))
	for i, p := range usualGroups {
		patterns[i].text = p
	}
	if root.has("aws_groups") {
		patterns = d.words(root.values["aws_groups"], "aws_groups")
	}
	var out []*regexp.Regexp
	for _, w := range patterns {
		if len(w.text) > maxPattern {
			d.errorf(w.line, "aws_groups: a pattern of %d bytes: at most %d", len(w.text), maxPattern)
			continue
		}
		re, err := regexp.Compile(`\A(?:` + w.text + `)\z`)
		if err != nil {
			d.errorf(w.line, "aws_groups: %s", oneLine(err.Error()))
			continue
		}
		out = append(out, re)
		d.patterns = append(d.patterns, w.text)
	}
	return out
}
