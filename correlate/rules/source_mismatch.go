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
		Means:       "The person signed on from one place, and the role was assumed from another: an assertion or a session may have been stolen.",
		Fires:       "in direct federation without a browser, the address of the assumption differs from that of the sign-on behind it, and no entry of `networks` holds both. Calls that AWS makes for a browser or for Identity Center come from addresses of AWS and are left out.",
		Needs:       "nothing: it says what was seen.",
		Notes:       "That anything was stolen. Mobile networks, proxies, VPNs, and machines with both IPv4 and IPv6 change addresses within seconds.",
		Do:          "Name the places that people work from in `networks`. What then remains is worth a question where something else is odd, too.",
		Assumption: func(a *Assumption) *Breach {
			if a.SignOn == nil || a.Provider.Federation != schemas.Direct || a.Fact.Assume.Browser {
				return nil
			}
			from, to := a.SignOn.SignOn.IP, a.Fact.Assume.IP
			x, err := netip.ParseAddr(from)
			if err != nil {
				return nil
			}
			y, err := netip.ParseAddr(to)
			if err != nil || a.Policy.SameNetwork(x, y) {
				return nil // CloudTrail may write "AWS Internal" or the name of a service
			}
			return &Breach{
				Anchor: a.Fact, Evidence: eventIDs(a.SignOn),
				Why: fmt.Sprintf("%s signed on from %s at %s, and assumed %s from %s at %s.", a.Person.Name, from, clock(a.SignOn.At), role(a), to, clock(a.At())),
			}
		},
	}
}
