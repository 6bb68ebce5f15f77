package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is what the program says about itself.
type release struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (m *Main) versionCommand() *cobra.Command {
	format := choice{value: "text", known: []string{"text", "json"}}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: `  jitaudit version
  jitaudit version --format json`,
		Args: noArgs(""),
		RunE: func(*cobra.Command, []string) error {
			r := thisRelease()
			if format.value == "json" {
				return writing(json.NewEncoder(m.Stdout).Encode(r))
			}
			_, err := fmt.Fprintln(m.Stdout, r)
			return writing(err)
		},
	}
	format.add(cmd, "format", "how to print it")
	return cmd
}

func (r release) String() string {
	s := "jitaudit " + r.Version
	if r.Commit != "" {
		s += " commit " + r.Commit
	}
	if r.Date != "" {
		s += " of " + r.Date
	}
	return s + " (" + r.Go + " " + r.OS + "/" + r.Arch + ")"
}

func thisRelease() release {
	r := release{Version: version, Commit: commit, Date: date, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		r.fill(info)
	}
	if r.Version == "" {
		r.Version = "dev"
	}
	return r
}

// fill takes what was not stamped from the build information: the module's
// version of `go install`, and the commit of a build in a clone.
func (r *release) fill(info *debug.BuildInfo) {
	if r.Version == "" && info.Main.Version != "(devel)" {
		r.Version = info.Main.Version
	}
	if r.Commit != "" {
		return
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Commit = s.Value
		case "vcs.time":
			r.Date = s.Value
		}
	}
}
