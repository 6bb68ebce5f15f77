package library

import (
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// release is the npm package that carries the library of one platform.
type release struct {
	Platform string // names the folder in the cache
	Package  string // name and version, as npm takes them
	// Integrity is the package's subresource integrity, as the registry states
	// it: "sha512-" and the base64 of the SHA-512 of the packed file.
	Integrity string
	Packed    int64  // size of the packed file, bytes
	File      string // name of the library inside the package
	Size      int64  // size of the library, bytes
}

// releaseFor is the release for an operating system and architecture, as Go
// names them. Of version 26.7.3 only the one for Linux on x86-64 with glibc is
// on npm.
func releaseFor(goos, goarch string) (release, bool) {
	if goos != "linux" || goarch != "amd64" {
		return release{}, false
	}
	return release{
		Platform:  "linux-x64-gnu",
		Package:   "@chdb/lib-linux-x64-gnu@" + Version,
		Integrity: "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
		Packed:    177_817_999,
		File:      "libchdb.so",
		Size:      566_330_096,
	}, true
}

// sum collects the hash that verify compares.
func sum() hash.Hash { return sha512.New() }

// verify says whether what was hashed is the package of the release.
func (r release) verify(h hash.Hash) error {
	want, ok := strings.CutPrefix(r.Integrity, "sha512-")
	if !ok {
		return fmt.Errorf("integrity of %s: only sha512 is known (got %s)", r.Package, r.Integrity)
	}
	if got := base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s is not what was published: its sha512 is %s, not %s", r.Package, got, want)
	}
	return nil
}
