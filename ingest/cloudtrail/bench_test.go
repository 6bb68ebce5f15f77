package cloudtrail_test

import (
	"bytes"
	"fmt"
	"testing"

	"jitaudit/ingest"
	"jitaudit/ingest/cloudtrail"
	"jitaudit/ingest/records"
	"jitaudit/schemas"
)

// call is a generated CloudTrail call of usual size.
func call(n int) string {
	return fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE%09d:ann%d@example.com","arn":"arn:aws:sts::111122223333:assumed-role/Deploy/ann%d@example.com","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%09d","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%09d","arn":"arn:aws:iam::111122223333:role/Deploy","accountId":"111122223333","userName":"Deploy"},"attributes":{"creationDate":"2026-05-0%dT10:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-05-0%dT10:0%d:30Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.%d","userAgent":"aws-cli/2.15.33 Python/3.11.8 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/ec2.describe-instances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0123456789%07d"}]},"filterSet":{}},"responseElements":null,"requestID":"0b7f8d3e-4a52-4c1e-9f00-%012d","eventID":"5f1c9a9e-77aa-4bfb-8c1b-%012d","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"ec2.eu-west-1.amazonaws.com"}}`,
		n%50, n%50, n%50, n%200, n%50, n%9+1, n%9+1, n%10, n%255, n, n, n)
}

func logFile(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(call(i))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkSplitAndDecode(b *testing.B) {
	const calls = 5000
	data := logFile(calls)
	var r records.Reader
	var d cloudtrail.Decoder
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		err := r.Read(bytes.NewReader(data), records.Options{Fields: cloudtrail.Fields()},
			func(rec ingest.Record) error {
				var f schemas.Fact
				relevant, err := d.DecodeRecord(rec, &f)
				if relevant {
					n++
				}
				return err
			},
			func(d schemas.DeadLetter) error { return fmt.Errorf("dead letter: %s", d.Reason) })
		if err != nil || n != calls {
			b.Fatalf("decoded %d calls: %v", n, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte(call(1))
	var d cloudtrail.Decoder
	var f schemas.Fact
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if relevant, err := d.Decode(raw, &f); !relevant || err != nil {
			b.Fatal(relevant, err)
		}
	}
}
