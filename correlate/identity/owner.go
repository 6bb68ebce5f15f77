package identity

import (
	"time"

	"jitaudit/schemas"
)

// OwnerOf says whose a fact is that may be a call as well; false when nobody's. It
// is Callers.Owner with the calls that a Builder has observed.
func (d *Directory) OwnerOf(f *schemas.Fact) (schemas.Person, bool) { return d.calls.Owner(d, f) }

// Owner says whose a fact is; false when nobody's. What was done with a role
// session's credentials is of whoever they are, and nobody's when that is not
// known: only changes of trust and of logs are then told of whoever the session is
// named after. An assignment is of whom it is for, whoever made it.
func (c *Callers) Owner(d *Directory, f *schemas.Fact) (schemas.Person, bool) {
	if f.Call == nil {
		return d.Resolve(f)
	}
	switch f.Kind {
	case schemas.AccountAssigned, schemas.AccountUnassigned:
		return d.Resolve(f)
	}
	by := callCredential(f.Call)
	if who, ok := c.Find(by.principalID, by.accessKeyID, f.Call.CreatedAt, f.At); ok {
		return who, true
	}
	switch f.Kind {
	case schemas.TrustChanged, schemas.LogTampered:
		return d.Resolve(f)
	}
	return schemas.Person{}, false
}

// Orphan says of whom uses of a role session are told that nobody is known to have
// assumed: whoever goes by the session's name, else a stranger of that name. False
// when they are told of nobody: the policy does not watch the role (of which
// roleARN is the ARN), or it is known by which other way it was entered.
func (d *Directory) Orphan(principalID, roleARN string, at time.Time) (schemas.Person, bool) {
	account, role := schemas.RoleOf(roleARN)
	if role == "" || !d.policies.At(at).Watched(account, role) || d.calls.Known(principalID) {
		return schemas.Person{}, false
	}
	return d.assumer(&schemas.Fact{At: at, Who: schemas.Identity{SessionName: sessionName(principalID)}}), true
}
