package rules

import (
	"jitaudit/schemas"
)

// logTampered: a log that this program lives by was stopped, deleted or narrowed.
func logTampered() Rule {
	return Rule{
		Name:     "log_tampered",
		Severity: schemas.Critical,
		Title:    "log stopped or narrowed",
		Controls: []string{"SOC 2 CC7.2", "ISO 27001 A.8.15", "PCI DSS 10.3", "NIST AU-9", "NIST AU-12"},
		Attack:   []string{"T1562.008"},
		Means:    "A log that proof rests on was stopped, deleted or narrowed.",
		Fires:    "a trail or event data store was stopped, deleted or changed, or its event selectors were; or an Okta log stream was deactivated, deleted or changed; or the attempt was refused (high).",
		Needs:    "nothing: it says what was seen.",
		Notes:    "What happened meanwhile: that is in no such log. What jitaudit reads by LookupEvents does not depend on trails, nor Okta's System Log on log streams.",
		Do:       "Turn it on again, find out who and why, and look at that time in the sources that ran on.",
		Life: func(l *Life) (out []*Breach) {
			for _, f := range l.Facts {
				if f.Kind == schemas.LogTampered {
					out = append(out, deed(l, f, schemas.High))
				}
			}
			return out
		},
	}
}
