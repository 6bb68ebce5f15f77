package aws

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Store is the Identity Store of IAM Identity Center.
type Store struct {
	// ID is "d-" and ten hexadecimal digits.
	ID string
	// Account and Region are where it is; only who is of the account may ask.
	Account, Region string
	Users           []User
}

// User is one user of a Store. A user is listed once Seen is not after Clock().
type User struct {
	Seen              time.Time
	ID, Name, Display string
	// Email may be empty.
	Email string
	// ExternalID is what whoever provisioned the user calls them; may be empty.
	ExternalID string
}

// mostUsers is the most that is listed at once (API reference: ListUsers).
const mostUsers = 100

type listUsersOutput struct {
	Users     []map[string]any
	NextToken string `json:",omitempty"`
}

// listUsers answers the Identity Store's ListUsers; filters are not simulated.
func (s *Server) listUsers(body []byte, req *Request) (*listUsersOutput, *refusal) {
	var in struct {
		IdentityStoreID string `json:"IdentityStoreId"`
		MaxResults      *int
		NextToken       string
		Filters         []any
	}
	invalid := func(why string) (*listUsersOutput, *refusal) {
		return nil, refuse(http.StatusBadRequest, "ValidationException", why)
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "the body is no ListUsersRequest")
	}
	n := mostUsers
	if in.MaxResults != nil {
		n = *in.MaxResults
	}
	if n < 1 || n > mostUsers || len(in.Filters) > 0 {
		return invalid(fmt.Sprintf("MaxResults must be 1 to %d, and there are no filters here", mostUsers))
	}
	store := s.store(in.IdentityStoreID, req.Shard)
	if store == nil {
		return nil, refuse(http.StatusBadRequest, "ResourceNotFoundException", "Identity Store not found: "+in.IdentityStoreID)
	}
	from, ok := s.userPlace(in.NextToken, store.ID)
	if !ok {
		return invalid("Invalid NextToken")
	}
	req.Paged = in.NextToken != ""
	out := &listUsersOutput{Users: []map[string]any{}}
	for i := from; i < len(store.Users); i++ {
		if store.Users[i].Seen.After(req.At) {
			continue
		}
		if len(out.Users) == n {
			b := binary.BigEndian.AppendUint64(nil, uint64(i))
			out.NextToken = base64.StdEncoding.EncodeToString(append(b, s.seal(store.ID, b)...))
			break
		}
		out.Users = append(out.Users, store.Users[i].json(store.ID))
	}
	req.Events = len(out.Users)
	return out, nil
}

func (s *Server) store(id, shard string) *Store {
	for i := range s.cfg.Stores {
		if t := &s.cfg.Stores[i]; t.ID == id && "aws/"+t.Account+"/"+t.Region == shard {
			return t
		}
	}
	return nil
}

// userPlace opens a token; without one the place is the first user.
func (s *Server) userPlace(token, store string) (int, bool) {
	if token == "" {
		return 0, true
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(b) < 8 || !hmac.Equal(b[8:], s.seal(store, b[:8])) {
		return 0, false
	}
	return int(binary.BigEndian.Uint64(b)), true
}

// json is the user as the Identity Store writes it.
func (u *User) json(store string) map[string]any {
	out := map[string]any{"IdentityStoreId": store, "UserId": u.ID, "UserName": u.Name, "DisplayName": u.Display, "UserStatus": "ENABLED"}
	if u.Email != "" {
		out["Emails"] = []map[string]any{{"Value": u.Email, "Type": "work", "Primary": true}}
	}
	if u.ExternalID != "" {
		out["ExternalIds"] = []map[string]any{{"Issuer": "https://scim.example.com", "Id": u.ExternalID}}
	}
	return out
}
