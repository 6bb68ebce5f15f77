package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"jitaudit/internal/signature"
)

const secret = "a secret of the tests, not to be seen"

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// signed is a signature made as the guide says, by other code.
func signed(secret, seconds, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "." + body))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestVerify(t *testing.T) {
	const body, window = `[{"class_uid":2004}]`, 5 * time.Minute
	now := strconv.FormatInt(noon.Unix(), 10)
	at := func(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }
	good := "t=" + now + ",v1=" + signed(secret, now, body)
	for _, c := range []struct {
		name, header, body string
		secrets            []string
		want               string // empty: taken
	}{
		{"good", good, body, []string{secret}, ""},
		{"with spaces", strings.ReplaceAll(good, ",", " , "), body, []string{secret}, ""},
		{"one of two secrets", good, body, []string{"the next secret", secret}, ""},
		{"one of two signatures", good + ",v1=" + signed("the next secret", now, body), body, []string{"the next secret"}, ""},
		{"a part nobody knows", good + ",v9=abc", body, []string{secret}, ""},
		{"at the edge of the window", "t=" + at(-window) + ",v1=" + signed(secret, at(-window), body), body, []string{secret}, ""},
		{"replayed", "t=" + at(-window-time.Second) + ",v1=" + signed(secret, at(-window-time.Second), body), body, []string{secret}, "5m1s away"},
		{"from the future", "t=" + at(window+time.Second) + ",v1=" + signed(secret, at(window+time.Second), body), body, []string{secret}, "5m1s away"},
		{"the end of time", "t=9223372036854775807,v1=" + signed(secret, "9223372036854775807", body), body, []string{secret}, "away"},
		{"its begin", "t=-9223372036854775808,v1=" + signed(secret, "-9223372036854775808", body), body, []string{secret}, "away"},
		{"another time than signed", strings.Replace(good, now, at(time.Second), 1), body, []string{secret}, "not that of this body"},
		{"two times", "t=" + at(-time.Hour) + "," + good, body, []string{secret}, "two times"},
		{"another body", good, body + " ", []string{secret}, "not that of this body"},
		{"another secret", good, body, []string{"the next secret"}, "not that of this body"},
		{"no secret", good, body, nil, "not that of this body"},
		{"an empty secret", "t=" + now + ",v1=" + signed("", now, body), body, []string{""}, "a secret is empty"},
		{"nothing", "", body, []string{secret}, "missing"},
		{"no time", "v1=" + signed(secret, now, body), body, []string{secret}, "missing"},
		{"no signature", "t=" + now, body, []string{secret}, "missing"},
		{"an empty signature", "t=" + now + ",v1=", body, []string{secret}, "no SHA-256"},
		{"half a signature beside a whole one", good + ",v1=00", body, []string{secret}, ""},
		{"half a signature", good[:len(good)-2], body, []string{secret}, "no SHA-256"},
		{"no hex", "t=" + now + ",v1=" + strings.Repeat("z", 64), body, []string{secret}, "no SHA-256"},
		{"a time of words", "t=now,v1=" + signed(secret, "now", body), body, []string{secret}, "missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var secrets [][]byte
			for _, s := range c.secrets {
				secrets = append(secrets, []byte(s))
			}
			err := signature.Verify(c.header, []byte(c.body), noon, window, secrets...)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestTheExampleOfTheGuideIsRight(t *testing.T) {
	guide, err := os.ReadFile("../../docs/receivers/ocsf.md")
	if err != nil {
		t.Fatal(err)
	}
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindSubmatch(guide)
		if m == nil {
			t.Fatalf("%s is not in the guide", pattern)
		}
		return string(m[1])
	}
	header := find("(?m)^X-Jitaudit-Signature: (.+)$")
	body := find("(?m)^body='(.+)'$")
	key := find("(?m)^secret='(.+)'$")
	seconds, err := strconv.ParseInt(find("(?m)^t=([0-9]+)$"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(seconds, 0)
	if got := signature.Sign([]byte(key), []byte(body), at); got != header {
		t.Errorf("the guide has %s, it is %s", header, got)
	}
	if err := signature.Verify(header, []byte(body), at.Add(time.Minute), 5*time.Minute, []byte(key)); err != nil {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	now := strconv.FormatInt(noon.Unix(), 10)
	f.Add("t="+now+",v1="+signed(secret, now, "a"), "a")
	f.Add("t=,v1=", "")
	f.Fuzz(func(t *testing.T, header, body string) {
		if signature.Verify(header, []byte(body), noon, time.Minute, []byte(secret)) != nil {
			return
		}
		for part := range strings.SplitSeq(header, ",") {
			if stamp, ok := strings.CutPrefix(strings.TrimSpace(part), "t="); ok && strings.Contains(strings.ToLower(header), signed(secret, stamp, body)) {
				return
			}
		}
		t.Errorf("%q verifies %q", header, body)
	})
}
