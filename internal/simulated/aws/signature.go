package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signature is an Authorization header of Signature Version 4 (IAM User Guide,
// "Create a signed AWS API request").
type signature struct {
	key, date, region, service string
	headers                    []string
	given                      string
	signedAt                   time.Time
	stamp                      string
}

const (
	algorithm   = "AWS4-HMAC-SHA256"
	stampLayout = "20060102T150405Z"
)

// parseSignature reads what a request says of its signature.
func parseSignature(r *http.Request) (sig signature, refused *refusal) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return sig, refuse(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	incomplete := func(what string) (signature, *refusal) {
		return sig, refuse(http.StatusForbidden, "IncompleteSignatureException", what)
	}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return incomplete("Authorization header requires " + algorithm)
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
			}
			sig.key, sig.date, sig.region, sig.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			sig.headers = strings.Split(value, ";")
		case "Signature":
			sig.given = value
		}
	}
	if sig.key == "" || sig.given == "" || len(sig.headers) == 0 {
		return incomplete("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters")
	}
	sig.stamp = r.Header.Get("X-Amz-Date")
	at, err := time.Parse(stampLayout, sig.stamp)
	if err != nil {
		return incomplete("Authorization header requires existence of 'X-Amz-Date' with a date like " + stampLayout)
	}
	sig.signedAt = at
	return sig, nil
}

// verify recomputes the signature.
func (sig signature) verify(r *http.Request, body []byte, secret string) *refusal {
	invalid := func(what string) *refusal {
		return refuse(http.StatusForbidden, "InvalidSignatureException", what)
	}
	if !strings.HasPrefix(sig.stamp, sig.date) {
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	for _, h := range mustBeSigned(r) {
		if !slices.Contains(sig.headers, h) {
			return invalid("'" + h + "' must be a 'SignedHeader' in the AWS Authorization")
		}
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{sig.date, sig.region, sig.service, "aws4_request"} {
		key = mac(key, part)
	}
	want := hex.EncodeToString(mac(key, sig.stringToSign(r, body)))
	if !hmac.Equal([]byte(want), []byte(sig.given)) {
		return invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.")
	}
	return nil
}

// mustBeSigned are the headers that AWS wants signed where they are present.
func mustBeSigned(r *http.Request) []string {
	must := []string{"host"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			must = append(must, lower)
		}
	}
	return must
}

func (sig signature) stringToSign(r *http.Request, body []byte) string {
	var headers strings.Builder
	for _, name := range sig.headers {
		headers.WriteString(name + ":" + canonicalValue(r, name) + "\n")
	}
	// All requests of both services go to "/"; parameters are in the body.
	canonical := strings.Join([]string{r.Method, "/", r.URL.Query().Encode(), headers.String(), strings.Join(sig.headers, ";"), sum(body)}, "\n")
	scope := strings.Join([]string{sig.date, sig.region, sig.service, "aws4_request"}, "/")
	return strings.Join([]string{algorithm, sig.stamp, scope, sum([]byte(canonical))}, "\n")
}

// canonicalValue is a header's value as it is signed. Go keeps two headers
// apart from the others.
func canonicalValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
