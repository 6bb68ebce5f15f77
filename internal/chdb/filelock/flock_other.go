//go:build !unix || solaris || aix

package filelock

import (
	"errors"
	"os"
)

func flock(*os.File) error { return errors.ErrUnsupported }
