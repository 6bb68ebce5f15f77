package rules

import (
	"fmt"
	"net/netip"

	"jitaudit/schemas"
)

// sourceMismatch: the assumption came from elsewhere than the sign-on.
func sourceMismatch() Rule {
	return Rule{
		Name:        "source_mismatch",
		Severity:    schemas.Low,
		Title:       "assumed from elsewhere than signed on",
		Advisory:    true,
		AnyProvider: true, // without one no sign-on explains it
		Controls:    []string{"SOC 2 CC7.2", "ISO 27001 A.8.16", "PCI DSS 10.4", "NIST AU-6", "NIST SI-4"},
		Attack:      []string{"T1550.001", "T1539"},
		Fires:       "direct federation by a command line: the address of the assumption differs from that of the sign-on behind it, and no entry of `networks` holds both. Calls that AWS makes for a browser or for Identity Center come from AWS and are left out.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "A hint. Mobile networks, proxies and VPNs change addresses within minutes; a stolen assertion or session does so too.",
		Assumption: func(a *Assumption) *Breach {
			if a.SignOn == nil || a.Provider.Federation != schemas.Direct || a.Fact.Assume.Browser {
				return nil
			}
			from, to := a.SignOn.SignOn.IP, a.Fact.Assume.IP
			if !isAddress(from) || !isAddress(to) || a.Policy.SameNetwork(from, to) {
				return nil
			}
			return &Breach{
				Anchor: a.Fact, Evidence: eventIDs(a.SignOn),
				Why: fmt.Sprintf("%s signed on from %s and assumed %s from %s.", a.Person.Name, from, role(a), to),
			}
		},
	}
}

// isAddress tells an address from "AWS Internal" and the names of AWS services.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
