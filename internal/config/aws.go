package config

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// AWS is the accounts whose CloudTrail is read by LookupEvents.
type AWS struct {
	Accounts []AWSAccount
	// Regions are those of accounts that name none themselves.
	Regions []string
	// Profile is one of the shared AWS configuration; empty: the SDK's default
	// chain of credentials.
	Profile string
	// AccessKeyID and SecretAccessKey are for tests: they don't expire.
	AccessKeyID     string
	SecretAccessKey Secret
	// Endpoint is a URL in place of AWS's own, for tests.
	Endpoint string

	// Since is where reading begins. LookupEvents reaches back 90 days.
	Since Since
	// Lateness is how long after its time an event may still turn up.
	Lateness     time.Duration
	PollInterval time.Duration
	// Window is how much time one series of requests asks for.
	Window time.Duration
	// RequestsPerSecond is for each account and region.
	RequestsPerSecond float64
	// EventNames are the only events that are asked for; none: all.
	EventNames []string
	Holes      []AWSHole
	// IdentityStore are the stores whose users are listed.
	IdentityStore []IdentityStore
}

// RegionsOf are the regions of an account.
func (a *AWS) RegionsOf(account *AWSAccount) []string {
	if len(account.Regions) > 0 {
		return account.Regions
	}
	return a.Regions
}

// AWSAccount is one account.
type AWSAccount struct {
	Account string // 12 digits
	// RoleARN is a role to assume in it; empty: our own credentials are of it.
	RoleARN    string
	ExternalID string
	Regions    []string // none: those of AWS
}

// IdentityStore is that of IAM Identity Center, which says by which name a user's id
// goes.
type IdentityStore struct {
	ID     string // "d-…"
	Region string
	// Account is 12 digits; empty: that of RoleARN. Use AccountID.
	Account string
	// RoleARN is a role to assume; empty: our own credentials may list the store.
	RoleARN    string
	ExternalID string
	Interval   time.Duration
}

// AccountID is the account of the store.
func (s *IdentityStore) AccountID() string {
	if s.Account == "" && s.RoleARN != "" {
		return accountOf(s.RoleARN)
	}
	return s.Account
}

// AWSHole is an interval in which CloudTrail is known to miss events.
type AWSHole struct {
	Account string // empty: all
	Region  string // empty: all
	Hole
}

// cloudTrailKeeps is how far LookupEvents reaches back (AWS CloudTrail API
// reference: LookupEvents).
const cloudTrailKeeps = 90 * day

func defaultAWS() AWS {
	return AWS{
		Regions:           defaultRegions(),
		Since:             Since{Ago: cloudTrailKeeps},
		Lateness:          20 * time.Minute,
		PollInterval:      time.Minute,
		Window:            time.Hour,
		RequestsPerSecond: 2,
	}
}

// defaultRegions are those that every account has (AWS Account Management
// reference: regions that are enabled by default).
func defaultRegions() []string {
	return []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
		"eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1",
		"ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
	}
}

func (a *AWS) fields() []field {
	fields := []field{
		sections("accounts", &a.Accounts, func() AWSAccount { return AWSAccount{} }, (*AWSAccount).fields),
		texts("regions", &a.Regions, regionName),
		text("profile", &a.Profile, nil),
		text("access_key_id", &a.AccessKeyID, nil),
	}
	fields = append(fields, secret("secret_access_key", &a.SecretAccessKey)...)
	return append(fields,
		text("endpoint", &a.Endpoint, safeURL),
		since("since", &a.Since, cloudTrailKeeps),
		duration("lateness", &a.Lateness, span{least: time.Second, most: day}),
		duration("poll_interval", &a.PollInterval, span{least: time.Second, most: time.Hour}),
		duration("window", &a.Window, span{least: time.Minute, most: 7 * day}),
		number("requests_per_second", &a.RequestsPerSecond, 0.01, 100),
		texts("event_names", &a.EventNames, eventName),
		sections("holes", &a.Holes, func() AWSHole { return AWSHole{} }, (*AWSHole).fields),
		sections("identity_store", &a.IdentityStore, func() IdentityStore { return IdentityStore{Interval: time.Hour} }, (*IdentityStore).fields),
	)
}

func (s *IdentityStore) fields() []field {
	return []field{
		text("id", &s.ID, storeID),
		text("region", &s.Region, regionName),
		text("account", &s.Account, accountID),
		text("role_arn", &s.RoleARN, roleARN),
		text("external_id", &s.ExternalID, externalID),
		duration("interval", &s.Interval, span{least: time.Minute, most: 7 * day}),
	}
}

func (a *AWSAccount) fields() []field {
	return []field{
		text("account", &a.Account, accountID),
		text("role_arn", &a.RoleARN, roleARN),
		text("external_id", &a.ExternalID, externalID),
		texts("regions", &a.Regions, regionName),
	}
}

func (h *AWSHole) fields() []field {
	return append([]field{
		text("account", &h.Account, accountID),
		text("region", &h.Region, regionName),
	}, h.Hole.fields()...)
}

func accountID(s string) error {
	return matches(s, `^\d{12}$`, "is no account id: 12 digits")
}

func storeID(s string) error {
	return matches(s, `^d-[0-9a-f]{10}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, "is no id of an Identity Store, such as d-1234567890")
}

func regionName(s string) error {
	return matches(s, `^[a-z]{2,3}(-[a-z]+)+-\d$`, "is no AWS region, such as eu-central-1")
}

func roleARN(s string) error {
	return matches(s, `^arn:aws[a-z-]*:iam::\d{12}:role/([\x21-\x7e]+/)?[\w+=,.@-]{1,64}$`,
		"is no ARN of a role: arn:aws:iam::ACCOUNT:role/NAME")
}

// externalID checks what AssumeRole takes (AWS STS API reference).
func externalID(s string) error {
	if len(s) > 1224 {
		return errors.New("is longer than 1224 characters")
	}
	return matches(s, `^[\w+=,.@:/-]{2,}$`, "is no external id: 2 to 1224 of letters, digits and _+=,.@:/-")
}

func eventName(s string) error {
	return matches(s, `^[A-Za-z0-9_-]{1,128}$`, "is no name of an event, such as AssumeRoleWithSAML")
}

func matches(s, pattern, otherwise string) error {
	if !regexp.MustCompile(pattern).MatchString(s) {
		return errors.New(otherwise)
	}
	return nil
}

// accountOf is the account in an ARN that roleARN finds right.
func accountOf(arn string) string { return strings.Split(arn, ":")[4] }
