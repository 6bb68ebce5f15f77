package engine

import (
	"context"
	"io"
	"unsafe"
)

// Stream is the answer to a SELECT, fetched piece by piece.
type Stream struct {
	conn  *connection
	ctx   context.Context
	ptr   unsafe.Pointer
	piece *Result
	ended bool
}

// Next is the next piece of the answer, in Native one block or several. It must
// not be changed, nor used after the next call. The end is io.EOF.
func (s *Stream) Next() ([]byte, error) {
	s.free()
	if s.ended {
		return nil, io.EOF
	}
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	api := s.conn.api
	piece, err := api.result(api.fetch(s.conn.handle(), s.ptr))
	if err != nil {
		s.ended = true
		return nil, err
	}
	s.piece = piece
	data := piece.Bytes()
	if len(data) == 0 {
		s.ended = true
		return nil, io.EOF
	}
	return data, nil
}

func (s *Stream) free() {
	if s.piece != nil {
		s.piece.Close()
		s.piece = nil
	}
}

// Close ends the statement, if it still runs, and frees what was fetched.
func (s *Stream) Close() {
	s.free()
	if !s.ended {
		s.conn.api.cancelQuery(s.conn.handle(), s.ptr)
	}
	s.conn.api.destroy(s.ptr)
}
