package scan

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	trail "jitaudit/ingest/cloudtrail/files"
	ingest "jitaudit/ingest/files"
	"jitaudit/schemas"
)

// Skipped is a file or folder that is not read, and why.
type Skipped = ingest.Skipped

// file is one file of a log, or of listings.
type file struct {
	source schemas.Source
	// org is the Okta org, or the feed of approvals.
	org      string
	snapshot bool // listings, and no log
	name     string
	size     int64
	data     []byte // its content, where it is none of the disk
}

// isLog reports whether the file is one of a log that is complete somewhere.
func (f *file) isLog() bool { return f.source != schemas.Approvals && !f.snapshot }

func (f *file) open() (io.ReadCloser, error) {
	if f.data != nil {
		return io.NopCloser(bytes.NewReader(f.data)), nil
	}
	r, err := os.Open(f.name)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	return r, nil
}

// find lists the files of all inputs.
func find(inputs []Input) ([]file, []Skipped, error) {
	var files []file
	var skipped []Skipped
	for _, in := range inputs {
		var found ingest.Found
		var err error
		if in.Source == schemas.CloudTrail {
			found, err = trail.Find(in.Path)
		} else {
			found, err = ingest.Find(in.Path, ingest.Options{})
		}
		if err != nil {
			return nil, skipped, err
		}
		skipped = append(skipped, found.Skipped...)
		for _, path := range found.Files {
			info, err := os.Stat(path)
			if err != nil {
				return nil, skipped, fmt.Errorf("find log files: %w", err)
			}
			files = append(files, file{source: in.Source, org: in.Org, snapshot: in.Snapshot, name: path, size: info.Size()})
		}
	}
	sortFiles(files)
	return files, skipped, nil
}

func sortFiles(files []file) {
	slices.SortStableFunc(files, func(a, b file) int {
		return cmp.Or(-cmp.Compare(a.source, b.source), cmp.Compare(a.org, b.org), cmp.Compare(a.name, b.name))
	})
}
