package aws_test

import (
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"jitaudit/internal/simulated/aws"
)

func keys(id string) awssdk.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(id, secret, "")
}

const (
	other     = "111122223333"
	audit     = "arn:aws:iam::" + other + ":role/security/audit"
	external  = "arn:aws:iam::" + other + ":role/external"
	powerless = "arn:aws:iam::" + other + ":role/powerless"
	closed    = "arn:aws:iam::" + other + ":role/closed"
)

func roles() []aws.Role {
	return []aws.Role{
		{ARN: audit, Trusts: []string{account}},
		{ARN: external, ExternalID: "jitaudit-7"},
		{ARN: powerless, Denied: []string{"cloudtrail:LookupEvents"}},
		{ARN: closed, Trusts: []string{"999999999999"}},
	}
}

func TestARoleOpensAnotherAccount(t *testing.T) {
	s, url := start(t, aws.Config{Roles: roles()})
	c := connect(t, url, region)
	c.Credentials = awssdk.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(c), audit))
	for range 2 {
		if _, err := lookup(t.Context(), c, &cloudtrail.LookupEventsInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Count(aws.LookupEvents, "aws/"+other+"/"+region); n != 2 {
		t.Errorf("%d lookups in the role's account, want 2: %v", n, s.Counts())
	}
	if n := s.Count(aws.AssumeRole, ""); n != 1 {
		t.Errorf("the role was assumed %d times, want once: its session lasts", n)
	}
	s.ExpireSessions()
	if _, err := lookup(t.Context(), c, &cloudtrail.LookupEventsInput{}); code(err) != "ExpiredTokenException" {
		t.Errorf("after its end the session answers %v", err)
	}
}

func TestWhoMayNotAssumeARoleIsToldSo(t *testing.T) {
	_, url := start(t, aws.Config{Roles: roles()})
	tests := []struct {
		name, role, external, session, key, want string
	}{
		{"a trusted account", audit, "", "jitaudit", secret, ""},
		{"the external id", external, "jitaudit-7", "jitaudit", secret, ""},
		{"no external id", external, "", "jitaudit", secret, "AccessDenied"},
		{"another external id", external, "jitaudit-8", "jitaudit", secret, "AccessDenied"},
		{"an account that is not trusted", closed, "", "jitaudit", secret, "AccessDenied"},
		{"no such role", audit + "or", "", "jitaudit", secret, "AccessDenied"},
		{"a session name with a space", audit, "", "jit audit", secret, "ValidationError"},
		{"a wrong secret", audit, "", "jitaudit", "another", "SignatureDoesNotMatch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, url, region)
			c.Credentials = credentials.NewStaticCredentialsProvider(keyID, tt.key, "")
			in := &sts.AssumeRoleInput{RoleArn: &tt.role, RoleSessionName: &tt.session}
			if tt.external != "" {
				in.ExternalId = &tt.external
			}
			out, err := sts.NewFromConfig(c).AssumeRole(t.Context(), in)
			if code(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err == nil && !strings.HasSuffix(*out.AssumedRoleUser.Arn, "/jitaudit") {
				t.Errorf("the session is %s", *out.AssumedRoleUser.Arn)
			}
		})
	}
}

func TestARoleMayLackTheRightToLookUp(t *testing.T) {
	_, url := start(t, aws.Config{Roles: roles()})
	c := connect(t, url, region)
	c.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(c), powerless)
	_, err := lookup(t.Context(), c, &cloudtrail.LookupEventsInput{})
	if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "assumed-role/powerless/") {
		t.Errorf("got %v", err)
	}
}

func TestASessionNeedsItsOwnToken(t *testing.T) {
	_, url := start(t, aws.Config{Roles: roles()})
	c := connect(t, url, region)
	out, err := sts.NewFromConfig(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: awssdk.String(audit), RoleSessionName: awssdk.String("jitaudit")})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"": *out.Credentials.SessionToken, "UnrecognizedClientException": "another"} {
		c.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, token)
		if _, err := lookup(t.Context(), c, &cloudtrail.LookupEventsInput{}); code(err) != name {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}
