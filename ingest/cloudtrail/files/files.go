// Package files finds CloudTrail log files, in the tree that CloudTrail writes to
// S3 ([PREFIX/]AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD) or any other.
package files

import "jitaudit/ingest/files"

// Find lists the log files at path, a file or a folder. Digests and Insights,
// which CloudTrail keeps beside the logs, hold no calls and are left out.
func Find(path string) (files.Found, error) {
	return files.Find(path, files.Options{SkipDir: skipDir})
}

func skipDir(name string) string {
	switch name {
	case "CloudTrail-Digest":
		return "digests of log files, which hold no events"
	case "CloudTrail-Insight":
		return "Insights events, which are no calls"
	}
	return ""
}
