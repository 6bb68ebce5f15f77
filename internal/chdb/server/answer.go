package server

import (
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go/compress"

	"jitaudit/internal/chdb/engine"
)

// answer is a response that is being written. An error before its first byte is
// an HTTP status, a later one a block of text that ClickHouse's clients look for.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration

	tag    string // vouches for the block of an exception
	frame  *compress.Writer
	gzip   *gzip.Writer
	pieces int
}

// begin prepares the headers.
func (a *answer) begin(q *request, format string) error {
	a.tag = rand.Text()[:16]
	h := a.w.Header()
	h.Set("Content-Type", contentType(format))
	h.Set("X-ClickHouse-Format", format)
	h.Set("X-ClickHouse-Timezone", "UTC")
	h.Set("X-ClickHouse-Query-Id", q.queryID)
	h.Set("X-ClickHouse-Exception-Tag", a.tag)
	h.Set("X-ClickHouse-Server-Display-Name", displayName)
	switch {
	case q.framed && q.method == "ZSTD":
		a.frame = compress.NewWriter(0, compress.ZSTD)
	case q.framed && q.method == "LZ4HC":
		a.frame = compress.NewWriter(0, compress.LZ4HC)
	case q.framed && q.method == "NONE":
		a.frame = compress.NewWriter(0, compress.None)
	case q.framed && q.method == "LZ4":
		a.frame = compress.NewWriter(0, compress.LZ4)
	case q.framed:
		return fault(codeUnknownCompression, "Unknown compression method %s", q.method)
	}
	if q.gzip {
		a.gzip = gzip.NewWriter(a.w)
	}
	return nil
}

// Write sends a piece of the answer. It fails when the client takes none for the
// time given, so that nobody holds a session by not reading.
func (a *answer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if a.pieces == 0 && a.gzip != nil {
		a.w.Header().Set("Content-Encoding", "gzip")
	}
	a.pieces++
	if err := a.control.SetWriteDeadline(time.Now().Add(a.stall)); err != nil {
		return 0, err
	}
	if err := a.write(p); err != nil {
		return 0, err
	}
	if a.pieces > 1 { // a short answer gets a length instead
		if a.gzip != nil {
			if err := a.gzip.Flush(); err != nil {
				return 0, err
			}
		}
		return len(p), a.control.Flush()
	}
	return len(p), nil
}

func (a *answer) write(p []byte) error {
	var to io.Writer = a.w
	if a.gzip != nil {
		to = a.gzip
	}
	if a.frame == nil {
		_, err := to.Write(p)
		return err
	}
	const block = 1 << 20
	for len(p) > 0 {
		n := min(block, len(p))
		if err := a.frame.Compress(p[:n]); err != nil {
			return err
		}
		if _, err := to.Write(a.frame.Data); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// end completes the answer.
func (a *answer) end() error {
	if a.gzip != nil && a.pieces > 0 {
		return a.gzip.Close()
	}
	return nil
}

// summary tells in a header what a statement read and wrote. It does nothing
// once the answer has begun.
func (a *answer) summary(s engine.Stats) {
	a.w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d"}`,
		s.RowsRead, s.BytesRead, s.RowsWritten, s.BytesWritten))
}

// fail ends the answer with an error. When part of it is out, the connection is
// broken off behind the exception, so that no client takes the part for the whole.
func (a *answer) fail(err error) {
	e := asException(err)
	if a.pieces == 0 {
		h := a.w.Header()
		h.Del("Content-Encoding")
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.Code))
		a.w.WriteHeader(status(e.Code))
		_, _ = io.WriteString(a.w, e.Message+"\n") // a client that is gone needs no answer
		return
	}
	// The layout of WriteBufferFromHTTPServerResponse.cpp: never compressed into
	// blocks, as it is looked for in what came last.
	message := e.Message
	if len(message) > maxExceptionBlock {
		message = message[:maxExceptionBlock]
	}
	var to io.Writer = a.w
	if a.gzip != nil {
		to = a.gzip
	}
	_, werr := fmt.Fprintf(to, "\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", a.tag, message, len(message)+1, a.tag)
	if werr == nil && a.gzip != nil {
		werr = a.gzip.Close()
	}
	if werr == nil {
		_ = a.control.Flush() // broken off in any case
	}
	panic(http.ErrAbortHandler)
}

// maxExceptionBlock bounds the text of an exception behind data; clients look at
// the last 16 KiB.
const maxExceptionBlock = 15 << 10

func contentType(format string) string {
	switch format {
	case "JSON", "JSONCompact", "JSONStrings":
		return "application/json; charset=UTF-8"
	case "CSV", "CSVWithNames":
		return "text/csv; charset=UTF-8; header=absent"
	case "TabSeparated", "TSV", "TabSeparatedWithNames", "TSVWithNames":
		return "text/tab-separated-values; charset=UTF-8"
	case "Native", "RowBinary", "Parquet", "Arrow":
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}
