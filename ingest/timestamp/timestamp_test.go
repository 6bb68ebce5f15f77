package timestamp_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"jitaudit/ingest/timestamp"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"2024-06-02T19:41:40Z", "2024-06-02T19:41:40Z"},
		{"2024-06-02T19:41:40.123Z", "2024-06-02T19:41:40.123Z"},
		{"2024-06-02 19:41:40.000000000", "2024-06-02T19:41:40Z"},
		{"2024-06-02 19:41:40", "2024-06-02T19:41:40Z"},
		{"2024-06-02 19:41:40.5", "2024-06-02T19:41:40.5Z"},
		{"2024-06-02T21:41:40+02:00", "2024-06-02T19:41:40Z"},
		{"2024-06-02T14:11:40-05:30", "2024-06-02T19:41:40Z"},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
		{"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
		{"2024-06-02T19:41:40.1234567899Z", "2024-06-02T19:41:40.123456789Z"},
		{"2023-02-29T00:00:00Z", ""}, {"1900-02-29T00:00:00Z", ""}, {"2024-04-31T00:00:00Z", ""},
		{"2024-13-01T00:00:00Z", ""}, {"2024-00-01T00:00:00Z", ""}, {"2024-01-00T00:00:00Z", ""},
		{"2024-01-01T24:00:00Z", ""}, {"2024-01-01T00:60:00Z", ""}, {"2024-01-01T00:00:60Z", ""},
		{"2024-01-01T00:00:00.Z", ""}, {"2024-01-01T00:00:00X", ""}, {"2024-01-01T00:00:00+0200", ""},
		{"2024-01-01", ""}, {"", ""}, {"yesterday at about noon", ""}, {"2024/01/01T00:00:00Z", ""},
		{"202x-01-01T00:00:00Z", ""}, {"x024-01-01T00:00:00Z", ""}, {"1717357300", ""},
	} {
		got, ok := timestamp.Parse([]byte(tc.in))
		if text := got.Format(time.RFC3339Nano); ok != (tc.want != "") || ok && text != tc.want {
			t.Errorf("%q: got %s, %t; want %q", tc.in, text, ok, tc.want)
		}
	}
}

func TestParseAgreesWithTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"),
			rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		got, ok := timestamp.Parse([]byte(want.Format(time.RFC3339Nano)))
		if !ok || !got.Equal(want) {
			t.Fatalf("got %s, %t; want %s", got, ok, want)
		}
	})
}

func TestParseExpiration(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"Mar 3, 2020 8:25:30 AM", "2020-03-03T08:25:30Z"},
		{"Jul 1, 2026, 12:08:19 PM", "2026-07-01T12:08:19Z"},
		{"Jul 1, 2026, 12:08:19\u202fAM", "2026-07-01T00:08:19Z"},
		{"Jul 11, 2026, 1:08:19\u00a0PM", "2026-07-11T13:08:19Z"},
		{"2026-07-01T12:08:19Z", "2026-07-01T12:08:19Z"},
		{"soon", ""}, {"", ""}, {"Feb 30, 2026, 1:00:00 PM", ""},
	} {
		got, ok := timestamp.ParseExpiration(tc.in)
		if text := got.Format(time.RFC3339Nano); ok != (tc.want != "") || ok && text != tc.want {
			t.Errorf("%q: got %s, %t; want %q", tc.in, text, ok, tc.want)
		}
	}
}

func TestParseEpoch(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"1717357300", "2024-06-02T19:41:40Z"},
		{"1717357300123", "2024-06-02T19:41:40.123Z"},
		{"1.7173573E9", "2024-06-02T19:41:40Z"},
		{"1717357300.5", "2024-06-02T19:41:40.5Z"},
		{"-1", ""}, {"0", ""}, {"1e300", ""}, {"NaN", ""}, {"x", ""},
	} {
		got, ok := timestamp.ParseEpoch(tc.in)
		if text := got.Format(time.RFC3339Nano); ok != (tc.want != "") || ok && text != tc.want {
			t.Errorf("%q: got %s, %t; want %q", tc.in, text, ok, tc.want)
		}
	}
}
