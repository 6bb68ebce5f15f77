package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"jitaudit/ingest/cloudtrail/files"
)

func TestDigestsAndInsightsAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	const day = "2026/05/04"
	for _, kind := range []string{"CloudTrail", "CloudTrail-Digest", "CloudTrail-Insight"} {
		path := filepath.Join(dir, "AWSLogs", "111122223333", kind, "eu-west-1", day)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "x.json.gz"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := files.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "AWSLogs/111122223333/CloudTrail/eu-west-1", day, "x.json.gz")
	if len(found.Files) != 1 || found.Files[0] != want || len(found.Skipped) != 2 {
		t.Errorf("got %+v", found)
	}
}
