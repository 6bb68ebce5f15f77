package okta

import (
	"maps"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// newUsername reads that a user goes by another user name in an application.
func (d *Decoder) newUsername(f *schemas.Fact, all things) bool {
	as := all.first("AppUser")
	return d.renamed(f, all.first("User").target, handle(as.from), known(as.alternateID))
}

// newEmail reads that the primary mail address of a user changed. The address is
// in what changed of the user; where that is not said, alternateId has it, as the
// login usually is the address.
func (d *Decoder) newEmail(f *schemas.Fact, all things) bool {
	user := all.first("User")
	to := handle(user.to)
	if to == "" {
		to = known(user.alternateID)
	}
	who := user.target
	if actor := d.actor(); !who.named() && actor.kind == "User" {
		who = actor
	}
	return d.renamed(f, who, handle(user.from), to)
}

func (d *Decoder) renamed(f *schemas.Fact, who target, from, to string) bool {
	if !who.named() || to == "" {
		return false
	}
	// Names are compared without case: what only changes it takes nothing away.
	if strings.EqualFold(from, to) {
		from = ""
	}
	f.Kind, f.Who = schemas.Renamed, who.identity()
	f.Rename = &schemas.Rename{Old: from, New: to}
	return true
}

// handle is the name or address among changed values. Their keys are not
// documented: known ones are preferred; any other counts only if it is the one
// that holds a string, since it might be something else. A value may stand by
// itself.
func handle(values []byte) string {
	m := object(values)
	if m == nil {
		s, _ := text(values)
		return known(strings.TrimSpace(s))
	}
	best, bestRank, others := "", 0, 0
	for _, key := range slices.Sorted(maps.Keys(m)) {
		s, ok := text(m[key])
		if s = known(strings.TrimSpace(s)); !ok || s == "" {
			continue
		}
		rank := handleRank(key)
		if rank == 0 {
			others++
		}
		if best == "" || rank > bestRank {
			best, bestRank = s, rank
		}
	}
	if bestRank == 0 && others > 1 {
		return ""
	}
	return best
}

// handleRank prefers keys; 0 is any other.
func handleRank(key string) int {
	switch strings.ToLower(strings.ReplaceAll(key, "_", "")) {
	case "email":
		return 4
	case "primaryemail":
		return 3
	case "login":
		return 2
	case "username":
		return 1
	}
	return 0
}

// deactivated reads that a user was deactivated or is being deleted.
func (d *Decoder) deactivated(f *schemas.Fact, t targets) bool {
	if !t.user.named() {
		return false
	}
	f.Kind, f.Who = schemas.Deactivated, t.user.identity()
	return true
}
