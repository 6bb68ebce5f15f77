package identity

import (
	"slices"
	"time"

	"jitaudit/schemas"
)

// ClaimKind says what kind of handle a claim is about.
type ClaimKind string

// The kinds of claim. Handles are logins, mail addresses and NameIDs.
const (
	HandleClaim    ClaimKind = "handle"    // somebody was seen with a handle
	GivenClaim     ClaimKind = "given"     // a change of name gave somebody a handle
	TakenClaim     ClaimKind = "taken"     // a handle was somebody's until then
	PersonClaim    ClaimKind = "person"    // somebody was deactivated: all of their handles end
	TagClaim       ClaimKind = "tag"       // an address is this handle with a "+tag"
	AssertionClaim ClaimKind = "assertion" // the id of a SAML assertion
	PortalClaim    ClaimKind = "portal"    // an Identity Center user id goes by a name
)

// Claim is what one event tells about a handle: that somebody carries it from
// some time on, or does so no more.
type Claim struct {
	Kind   ClaimKind `json:"kind"`
	Handle string    `json:"handle"` // names are folded; of a person claim the person
	// Person and Org are whose it is.
	Person string `json:"person,omitempty"`
	Org    string `json:"org,omitempty"`
	// Name is, of a portal claim, what the Identity Center user id goes by, and of
	// a tag claim the address with its tag. Of handles it is the day on which the
	// person was seen to carry it still, if they were, and of others of which each
	// counts the time.
	Name string `json:"name,omitempty"`
	// Since and Until are in microseconds since 1970; 0: not said. Of given, taken
	// and person claims there is one for each such time. Of other claims that differ
	// in Since alone the earliest counts.
	Since int64 `json:"since,omitempty"`
	Until int64 `json:"until,omitempty"`
}

// Key is what a claim is about. Facts whose owner depends on it are those whose
// Handles it is among.
func (c *Claim) Key() string {
	switch c.Kind {
	case GivenClaim, TakenClaim:
		return string(HandleClaim) + " " + c.Handle
	}
	return string(c.Kind) + " " + c.Handle
}

// Claims are what a fact tells about handles, as Builder.Observe learns them.
func Claims(f *schemas.Fact) (out []Claim) {
	eachClaim(f, func(c Claim) {
		switch c.Kind {
		case HandleClaim:
			if c.Name == still {
				c.Name = f.At.UTC().Format(time.DateOnly)
			}
		case GivenClaim, TakenClaim, PersonClaim:
			c.Name = f.At.UTC().Format(time.RFC3339Nano)
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	})
	return out
}

// still is the name of claims to handles that are still carried, before they are
// told apart.
const still = "still"

// eachClaim yields the claims of a fact, which may repeat, without what tells them
// apart.
func eachClaim(f *schemas.Fact, yield func(Claim)) {
	switch {
	case f.Kind == schemas.PortalUsed || f.Kind == schemas.UserObserved:
		for _, name := range portalNames(f) {
			c := Claim{Kind: PortalClaim, Handle: f.Who.PortalUserID, Name: Fold(name)}
			if c.Handle != "" && c.Name != "" {
				yield(c)
			}
		}
	case namesUser(f):
		if key := OktaKey(&f.Who); key != "" {
			userClaims(f, key, yield)
		}
	}
}

// userClaims yields what a fact tells of the handles of an Okta user.
func userClaims(f *schemas.Fact, key string, yield func(Claim)) {
	at := f.At.UnixMicro()
	begins := func(kind ClaimKind, handle, name string) {
		if handle != "" {
			yield(Claim{Kind: kind, Handle: handle, Person: key, Org: f.Who.Org, Name: name, Since: at})
		}
	}
	ends := func(kind ClaimKind, handle string) {
		if handle != "" {
			yield(Claim{Kind: kind, Handle: handle, Person: key, Org: f.Who.Org, Until: at})
		}
	}
	seen := ""
	if carriesStill(f.Kind) {
		seen = still
	}
	names := [...]string{Fold(f.Who.Login), Fold(f.Who.NameID), Fold(f.Who.Email)}
	for _, h := range names {
		tags(h, yield)
		if f.Kind == schemas.Deactivated {
			ends(TakenClaim, h)
			continue
		}
		begins(HandleClaim, h, seen)
	}
	switch f.Kind {
	case schemas.SignedOn:
		begins(AssertionClaim, f.Who.AssertionID, "")
	case schemas.Deactivated:
		ends(PersonClaim, key)
	case schemas.Renamed:
		given, taken := Fold(f.Rename.New), Fold(f.Rename.Old)
		tags(given, yield)
		begins(GivenClaim, given, "")
		// What the event still calls them by they have not lost: one application may
		// call them otherwise from now on, and the login stays.
		if taken != given && !slices.Contains(names[:], taken) {
			tags(taken, yield)
			ends(TakenClaim, taken)
		}
	}
}

// carriesStill reports whether a fact shows that its person is there. What is taken
// away from somebody, or becomes of a request, comes after they have left too.
func carriesStill(k schemas.FactKind) bool {
	return k != schemas.GroupRemoved && k != schemas.AppUnassigned && k != schemas.Requested
}

// tags ties an address with a tag to the one without.
func tags(address string, yield func(Claim)) {
	if bare := untagged(address); bare != address {
		yield(Claim{Kind: TagClaim, Handle: bare, Name: address})
	}
}

// portalNames are what an Identity Center user goes by.
func portalNames(f *schemas.Fact) []string {
	names := make([]string, 0, 8)
	names = append(names, f.Who.NameID)
	if f.Portal != nil {
		names = append(names, f.Portal.UserName)
	}
	return append(names, f.Who.Login, f.Who.Email)
}

// namesUser reports whether a fact is about an Okta user, by handles that Okta
// vouches for. What a machine did is not.
func namesUser(f *schemas.Fact) bool {
	switch f.Kind {
	case schemas.TrustChanged, schemas.LogTampered:
		return ofOkta(f) && f.Deed.Actor.Type == "User"
	}
	return ofOkta(f)
}

// ofOkta reports whether a fact is an Okta user's, whom it names.
func ofOkta(f *schemas.Fact) bool {
	switch f.Kind {
	case schemas.GroupAdded, schemas.GroupRemoved, schemas.MemberObserved, schemas.SignedOn, schemas.SecondFactor,
		schemas.AppAssigned, schemas.AppUnassigned, schemas.Renamed, schemas.Deactivated:
		return true
	case schemas.Requested, schemas.TrustChanged, schemas.LogTampered:
		return f.Source == schemas.Okta
	}
	return false
}
