package okta

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
)

// DecodeMember turns a schemas.Member as JSON into the fact that Okta listed the
// user among the group's members. An error is the reason of a dead letter.
func DecodeMember(raw []byte) (schemas.Fact, error) {
	var m schemas.Member
	if err := json.Unmarshal(raw, &m); err != nil {
		return schemas.Fact{}, fmt.Errorf("not a member of an Okta group: %w; list the group again", err)
	}
	if err := observed("member", m.Org, m.Group, m.At); err != nil {
		return schemas.Fact{}, err
	}
	var user struct {
		ID      string `json:"id"`
		Profile struct {
			Login       string `json:"login"`
			Email       string `json:"email"`
			DisplayName string `json:"displayName"`
			FirstName   string `json:"firstName"`
			LastName    string `json:"lastName"`
		} `json:"profile"`
	}
	if len(bytes.TrimSpace(m.User)) == 0 {
		return schemas.Fact{}, errors.New("a member without its user; list the group again")
	}
	if err := json.Unmarshal(m.User, &user); err != nil {
		return schemas.Fact{}, fmt.Errorf("the user of a member is none as Okta writes it: %w; list the group again", err)
	}
	if user.ID == "" {
		return schemas.Fact{}, errors.New("the user of a member has no id; list the group again")
	}
	f := fact(raw, schemas.MemberObserved, m.Org, m.At)
	// What the events call displayName is, without one, the two names.
	name := user.Profile.DisplayName
	if name == "" {
		name = strings.TrimSpace(user.Profile.FirstName + " " + user.Profile.LastName)
	}
	f.Who = schemas.Identity{Org: m.Org, OktaUserID: user.ID, Login: user.Profile.Login, Email: user.Profile.Email, Name: name}
	f.Member = &m.Group
	return f, nil
}

// DecodeSnapshot turns a schemas.Snapshot as JSON into the fact that all members
// of a group have been listed. An error is the reason of a dead letter.
func DecodeSnapshot(raw []byte) (schemas.Fact, error) {
	var s schemas.Snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		return schemas.Fact{}, fmt.Errorf("not a snapshot of an Okta group: %w; list the group again", err)
	}
	if err := observed("snapshot", s.Org, s.Group, s.To); err != nil {
		return schemas.Fact{}, err
	}
	switch {
	case s.From.IsZero() || s.From.After(s.To):
		return schemas.Fact{}, fmt.Errorf("the snapshot of group %.64q begins at %s and ends at %s; list the group again", s.Group.ID, s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
	case s.Members < 0:
		return schemas.Fact{}, fmt.Errorf("the snapshot of group %.64q counts %d members; list the group again", s.Group.ID, s.Members)
	}
	s.From, s.To = s.From.UTC(), s.To.UTC()
	f := fact(raw, schemas.SnapshotComplete, s.Org, s.To)
	f.Snapshot = &s
	return f, nil
}

// observed says what every observation of a group needs.
func observed(what, org string, g schemas.Group, at time.Time) error {
	switch {
	case org == "":
		return fmt.Errorf("a %s without an org; list the group again", what)
	case g.ID == "":
		return fmt.Errorf("a %s without a group's id; list the group again", what)
	case at.IsZero():
		return fmt.Errorf("a %s of group %.64q without a time; list the group again", what, g.ID)
	}
	return nil
}

// fact identifies an observation by its bytes: it has no id of its own.
func fact(raw []byte, kind schemas.FactKind, org string, at time.Time) schemas.Fact {
	sum := sha256.Sum256(raw)
	return schemas.Fact{
		ID: "sha256:" + hex.EncodeToString(sum[:]), Kind: kind, Source: schemas.Okta,
		Shard: schemas.OktaShard(org), At: at.UTC(),
		Hash: string(appendHash(nil, xxhash.Sum64(raw))),
	}
}
