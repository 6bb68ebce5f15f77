package aws_test

import (
	"fmt"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"

	"jitaudit/internal/simulated/aws"
)

const storeID = "d-1234567890"

func users(n int) (out []aws.User) {
	for i := range n {
		out = append(out, aws.User{ID: fmt.Sprintf("a0b1c2d3-0000-0000-0000-%012d", i), Name: fmt.Sprintf("user%d@example.com", i), Email: fmt.Sprintf("user%d@example.com", i)})
	}
	return out
}

func TestUsersAreListedInPages(t *testing.T) {
	now := time.Now()
	listed := users(205)
	listed[3].Seen = now.Add(time.Hour)
	s, url := start(t, aws.Config{Stores: []aws.Store{{ID: storeID, Account: account, Region: region, Users: listed}}, Clock: func() time.Time { return now }})
	c := identitystore.NewFromConfig(connect(t, url, region))
	var names []string
	pages := 0
	for p := identitystore.NewListUsersPaginator(c, &identitystore.ListUsersInput{IdentityStoreId: awssdk.String(storeID)}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range out.Users {
			names = append(names, awssdk.ToString(u.UserName))
			if awssdk.ToString(u.Emails[0].Value) != awssdk.ToString(u.UserName) || !u.Emails[0].Primary || awssdk.ToString(u.IdentityStoreId) != storeID {
				t.Errorf("%+v", u)
			}
		}
	}
	if len(names) != 204 || names[3] != "user4@example.com" || pages != 3 || s.Count(aws.ListUsers, home) != 3 {
		t.Errorf("%d users on %d pages, the fourth %s", len(names), pages, names[3])
	}
}

func TestWhoMayListUsers(t *testing.T) {
	store := aws.Store{ID: storeID, Account: account, Region: region, Users: users(1)}
	for _, tt := range []struct {
		name, id, region, secret string
		denied                   []string
		input                    func(*identitystore.ListUsersInput)
		want                     string
	}{
		{"who may", storeID, region, secret, nil, nil, ""},
		{"another secret", storeID, region, "x", nil, nil, "InvalidSignatureException"},
		{"who may not", storeID, region, secret, []string{"identitystore:ListUsers"}, nil, "AccessDeniedException"},
		{"another store", "d-0000000000", region, secret, nil, nil, "ResourceNotFoundException"},
		{"another region", storeID, "us-east-1", secret, nil, nil, "ResourceNotFoundException"},
		{"too many at once", storeID, region, secret, nil, func(in *identitystore.ListUsersInput) { in.MaxResults = awssdk.Int32(101) }, "ValidationException"},
		{"a token of nobody", storeID, region, secret, nil, func(in *identitystore.ListUsersInput) { in.NextToken = awssdk.String("QUJD") }, "ValidationException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, url := start(t, aws.Config{
				Stores: []aws.Store{store}, Principals: map[string]aws.Principal{keyID: {Secret: secret, Account: account, Denied: tt.denied}},
			})
			c := identitystore.NewFromConfig(connect(t, url, tt.region, func(c *awssdk.Config) {
				c.Credentials = credentials.NewStaticCredentialsProvider(keyID, tt.secret, "")
			}))
			in := &identitystore.ListUsersInput{IdentityStoreId: &tt.id}
			if tt.input != nil {
				tt.input(in)
			}
			if _, err := c.ListUsers(t.Context(), in); code(err) != tt.want || err == nil != (tt.want == "") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
