package awsapi_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"jitaudit/ingest/awsapi"
)

func TestRefusalsSayWhatToDo(t *testing.T) {
	request := awsapi.Request{
		Doing: "read the shelf", Action: "library:Read", Allow: "in the library",
		Advice: map[string]string{"ShelfNotFound": "check the shelf's number"},
	}
	refused := func(code string) error {
		return &smithy.OperationError{ServiceID: "Library", Err: &smithy.GenericAPIError{Code: code, Message: " No. "}}
	}
	ofRole := func(code string) error {
		return &smithy.OperationError{ServiceID: "Library", Err: &smithy.OperationError{ServiceID: "STS", Err: &smithy.GenericAPIError{Code: code, Message: "No"}}}
	}
	for _, tt := range []struct {
		name string
		err  error
		want string // "" for what may pass by itself
	}{
		{"no right", refused("AccessDeniedException"), "read the shelf: AWS refuses library:Read with AccessDeniedException (No); " +
			"allow library:Read to the collector's principal in the library, then start again"},
		{"no right to the role", ofRole("AccessDenied"), "read the shelf: AWS refuses sts:AssumeRole, which library:Read needs, with AccessDenied (No); " +
			"let the role's trust policy name the collector's principal (and its external id), and allow that principal sts:AssumeRole, then start again"},
		{"an unknown key", refused("UnrecognizedClientException"), "check the access key, and whether the account has opted into the region"},
		{"another secret", refused("InvalidSignatureException"), "check the secret access key"},
		{"another secret at STS", ofRole("SignatureDoesNotMatch"), "check the secret access key"},
		{"an ended session", refused("ExpiredTokenException"), "renew the credentials"},
		{"a region without opt-in", refused("OptInRequired"), "enable the region"},
		{"the API's own code", refused("ShelfNotFoundException"), "check the shelf's number"},
		{"the same code of STS", ofRole("ShelfNotFoundException"), ""},
		{"throttled", refused("ThrottlingException"), ""},
		{"no answer", errors.New("connection reset"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := request.Explain(tt.err)
			if !errors.Is(err, tt.err) || errors.Is(err, awsapi.ErrPermanent) != (tt.want != "") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "read the shelf: ") {
				t.Errorf("%q does not say what was being done", err)
			}
		})
	}
}

func TestARefusalDoesNotShowWhatWasSigned(t *testing.T) {
	for _, between := range []string{"\n\n", " "} {
		err := awsapi.Request{}.Explain(&smithy.GenericAPIError{Code: "InvalidSignatureException", Message: "The request signature we calculated does not match." + between +
			"The Canonical String for this request should have been\n'POST\nx-amz-security-token:IQoJb3JpZ2lu'"})
		if strings.Contains(err.Error(), "IQoJ") || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "does not match)") {
			t.Error(err)
		}
	}
}
