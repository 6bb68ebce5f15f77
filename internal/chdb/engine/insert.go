package engine

import (
	"context"
	"errors"
	"unsafe"
)

// Insert is an INSERT that takes its data piece by piece. Either Commit or Abort
// ends it.
type Insert struct {
	conn   *connection
	ctx    context.Context
	ptr    unsafe.Pointer
	failed bool
}

// errStoppedReading is for data after what the engine took for its end.
var errStoppedReading = errors.New("the engine took no more data before all was sent")

// Write gives the insert a further piece, cut anywhere. It waits while the
// engine is behind. When the engine has failed the error is of Commit.
func (i *Insert) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	if i.conn.api.append(i.ptr, unsafe.Pointer(unsafe.SliceData(p)), uintptr(len(p))) != 0 {
		i.failed = true
		return 0, errStoppedReading
	}
	return len(p), nil
}

// Commit ends the data and waits until the rows are in the table. When it
// returns an error no row of the last block is, and none at all if the data was
// one block.
func (i *Insert) Commit() (Stats, error) {
	api := i.conn.api
	defer api.destroyInsert(i.ptr)
	r, err := api.result(api.done(i.ptr))
	if err != nil {
		return Stats{}, err
	}
	defer r.Close()
	if i.failed {
		return Stats{}, errStoppedReading
	}
	return r.Stats(), nil
}

// Abort gives the insert up; no row of the block it was in comes into the table.
func (i *Insert) Abort() {
	i.conn.api.cancelInsert(i.ptr)
	i.conn.api.destroyInsert(i.ptr)
}
