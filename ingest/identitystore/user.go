package identitystore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
)

// Record is a user of an Identity Store as it stands in the log.
type Record struct {
	// Store is the store's id ("d-…"); Account and Region are where it is.
	Store   string `json:"store"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// At is the server's time of the answer that listed the user.
	At   time.Time `json:"at"`
	User User      `json:"user"`
}

// User is what is kept of a user, in AWS's words (Identity Store API reference:
// User). Addresses, birthdays and the like are left where they are.
type User struct {
	UserID      string       `json:"UserId"`
	UserName    string       `json:"UserName,omitempty"`
	DisplayName string       `json:"DisplayName,omitempty"`
	Emails      []Email      `json:"Emails,omitempty"`
	ExternalIDs []ExternalID `json:"ExternalIds,omitempty"`
}

// Email is one of a user's addresses.
type Email struct {
	Value   string `json:"Value"`
	Primary bool   `json:"Primary,omitempty"`
}

// ExternalID is what whoever provisioned the user calls them.
type ExternalID struct {
	Issuer string `json:"Issuer"`
	ID     string `json:"Id"`
}

func userOf(u *types.User) User {
	out := User{UserID: aws.ToString(u.UserId), UserName: aws.ToString(u.UserName), DisplayName: aws.ToString(u.DisplayName)}
	for _, e := range u.Emails {
		out.Emails = append(out.Emails, Email{Value: aws.ToString(e.Value), Primary: e.Primary})
	}
	for _, e := range u.ExternalIds {
		out.ExternalIDs = append(out.ExternalIDs, ExternalID{Issuer: aws.ToString(e.Issuer), ID: aws.ToString(e.Id)})
	}
	return out
}

// email is the primary address, else the first.
func (u *User) email() string {
	for _, e := range u.Emails {
		if e.Primary {
			return e.Value
		}
	}
	for _, e := range u.Emails {
		return e.Value
	}
	return ""
}

// DecodeUser turns a Record as JSON into the fact that the store listed the user.
// An error is the reason of a dead letter.
func DecodeUser(raw []byte) (schemas.Fact, error) {
	var r Record
	if err := json.Unmarshal(raw, &r); err != nil {
		return schemas.Fact{}, fmt.Errorf("not a user of an Identity Store: %w; list the store again", err)
	}
	if r.Account == "" || r.Region == "" || r.At.IsZero() || r.User.UserID == "" {
		return schemas.Fact{}, errors.New("a user of an Identity Store without account, region, time or id; list the store again")
	}
	sum := sha256.Sum256(raw)
	return schemas.Fact{
		ID: "sha256:" + hex.EncodeToString(sum[:]), Kind: schemas.UserObserved, Source: schemas.CloudTrail,
		Shard: schemas.AWSShard(r.Account, r.Region), At: r.At.UTC(), Hash: fmt.Sprintf("%016x", xxhash.Sum64(raw)),
		Who: schemas.Identity{PortalUserID: r.User.UserID, NameID: r.User.UserName, Email: r.User.email(), Name: r.User.DisplayName},
	}, nil
}
