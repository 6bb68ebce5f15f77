package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"

	"jitaudit/sinks/siem/ocsf"
)

// repair makes a file end at the end of a line. A crash can leave a part of a line,
// which nobody was told is there: it is cut off, for what comes next must not be glued
// to it. A line of which only its end is missing gets it.
func repair(f *os.File, size int64) error {
	var edge [1]byte
	if _, err := f.ReadAt(edge[:], 0); err != nil {
		return err
	}
	// Zeros are what a file system may leave where data did not get to the disk.
	if edge[0] != '{' && edge[0] != 0 {
		return errors.New("it does not begin as a file of events: configure one that is for nothing else")
	}
	if _, err := f.ReadAt(edge[:], size-1); err != nil {
		return err
	}
	if edge[0] == '\n' {
		return nil
	}
	start, err := lastLine(f, size)
	if err != nil {
		return err
	}
	if size-start <= ocsf.MaxEvent {
		rest := make([]byte, size-start)
		if _, err := f.ReadAt(rest, start); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if json.Valid(rest) {
			_, err := f.Write([]byte("\n"))
			return errors.Join(err, f.Sync())
		}
	}
	if err := f.Truncate(start); err != nil {
		return err
	}
	return f.Sync()
}

// lastLine is where what follows the last line end begins.
func lastLine(f *os.File, size int64) (int64, error) {
	block := make([]byte, 64<<10)
	for end := size; end > 0; {
		begin := max(0, end-int64(len(block)))
		part := block[:end-begin]
		if _, err := f.ReadAt(part, begin); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}
