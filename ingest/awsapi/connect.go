package awsapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// Connection says how to reach the AWS of one account.
type Connection struct {
	// Region is where STS is asked for the role's session.
	Region string
	// Endpoint, if set, stands for the endpoints of all services.
	Endpoint string
	// Profile is one of the shared configuration files; empty for the default.
	Profile string
	// AccessKeyID, SecretAccessKey and SessionToken are static credentials.
	// Without them the SDK's default chain is asked: environment, shared files,
	// and the role of the machine.
	AccessKeyID, SecretAccessKey, SessionToken string
	// RoleARN, if set, is assumed with these credentials, ExternalID given along
	// where the role's trust policy demands it. SessionName is "jitaudit" by
	// default.
	RoleARN, ExternalID, SessionName string
}

// String leaves the secrets out.
func (c Connection) String() string {
	return fmt.Sprintf("AWS in %s %s as key %q role %q", c.Region, c.Endpoint, c.AccessKeyID, c.RoleARN)
}

// Connect reads the SDK's configuration from environment and files, and makes
// what collectors need of it. It makes no request. The credentials are cached
// and renewed a minute before they end.
func Connect(ctx context.Context, c Connection) (aws.Config, error) {
	if c.Region == "" {
		return aws.Config{}, errors.New("connect to AWS: a region is missing")
	}
	if (c.AccessKeyID == "") != (c.SecretAccessKey == "") {
		return aws.Config{}, errors.New("connect to AWS: static credentials need both an access key id and a secret access key")
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(c.Region),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(time.Minute)),
		// What the SDK would write to the standard error is in the errors, too.
		config.WithLogger(logging.Nop{}),
	}
	if c.AccessKeyID != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("connect to AWS: read the SDK's configuration: %w", err)
	}
	if c.Endpoint != "" {
		cfg.BaseEndpoint = &c.Endpoint
	}
	if c.RoleARN != "" {
		cfg.Credentials = c.assume(cfg)
	}
	return cfg, nil
}

// assume makes the role's credentials out of those of cfg.
func (c Connection) assume(cfg aws.Config) aws.CredentialsProvider {
	role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), c.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "jitaudit"
		if c.SessionName != "" {
			o.RoleSessionName = c.SessionName
		}
		if c.ExternalID != "" {
			o.ExternalID = &c.ExternalID
		}
	})
	return aws.NewCredentialsCache(role, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = time.Minute })
}
