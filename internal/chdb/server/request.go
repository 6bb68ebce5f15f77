package server

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// request is what a client asks, out of the URL, the headers and the body.
type request struct {
	sql      string // of the URL; more may be in the body
	body     io.Reader
	database string
	format   string // of an answer whose statement names none
	queryID  string
	settings map[string]string
	params   map[string]string
	revision int // client_protocol_version, 0 when it sent none

	framed  bool   // the answer comes in ClickHouse's compressed blocks
	method  string // of those blocks
	gzip    bool   // the answer comes in gzip
	waitEnd bool   // the answer waits for its end
}

// setting is what a name of a setting looks like. Whether it exists the engine
// knows.
var setting = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// parseRequest reads all but the body. What a client sends once counts once:
// the first value of each parameter.
func parseRequest(r *http.Request) (*request, error) {
	q := &request{body: r.Body, format: "TabSeparated", settings: map[string]string{}, params: map[string]string{}, method: "LZ4"}
	if r.Method == http.MethodGet {
		q.settings["readonly"] = "2" // as ClickHouse: a link must not change anything
	}
	q.database = r.Header.Get("X-ClickHouse-Database")
	if f := r.Header.Get("X-ClickHouse-Format"); f != "" {
		q.format = f
	}
	unpack := false
	for name, values := range r.URL.Query() {
		value := values[0]
		switch name {
		case "query":
			q.sql = value
		case "database":
			q.database = value
		case "default_format":
			q.format = value
		case "query_id":
			q.queryID = value
		case "client_protocol_version":
			q.revision, _ = strconv.Atoi(value) // a client that sends none is an old one
		case "compress":
			q.framed = isTrue(value)
		case "decompress":
			unpack = isTrue(value)
		case "network_compression_method":
			q.method = strings.ToUpper(value)
		case "enable_http_compression":
			q.gzip = isTrue(value) && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
		case "wait_end_of_query":
			q.waitEnd = isTrue(value)
		case "session_id", "role":
			return nil, fault(codeNotImplemented, "%s is not supported by the embedded ClickHouse", name)
		case "user", "password", "quota_key", "buffer_size", "session_timeout", "session_check", "close_session",
			"stacktrace", "add_http_cors_header", "network_zstd_compression_level":
		default:
			if param, ok := strings.CutPrefix(name, "param_"); ok {
				q.params[param] = value
			} else if !setting.MatchString(name) {
				return nil, fault(codeBadArguments, "%q is not the name of a setting", name)
			} else {
				q.settings[name] = value
			}
		}
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, fault(codeNotImplemented, "external tables are not supported by the embedded ClickHouse")
	}
	if q.queryID == "" {
		q.queryID = strings.ToLower(rand.Text())
	}
	return q, q.decode(r.Header.Get("Content-Encoding"), unpack)
}

func isTrue(value string) bool { return value == "1" || strings.EqualFold(value, "true") }

// decode puts the body's decompression in place: that of HTTP, then that of
// ClickHouse's blocks.
func (q *request) decode(encoding string, framed bool) error {
	packed := q.body
	switch encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		q.body = &lazily{open: func() (io.Reader, error) { return gzip.NewReader(packed) }}
	case "deflate":
		q.body = &lazily{open: func() (io.Reader, error) { return zlib.NewReader(packed) }}
	case "zstd":
		q.body = &lazily{open: func() (io.Reader, error) { return zstd.NewReader(packed, zstd.WithDecoderConcurrency(1)) }}
	default:
		return fault(codeUnknownCompression, "Unknown compression method %s; the embedded ClickHouse knows gzip, deflate and zstd", encoding)
	}
	if framed {
		q.body = newBlocks(q.body)
	}
	return nil
}

// statement is the request's statement, and the data that belongs to it when it
// is an INSERT of data.
func (q *request) statement() (statement, io.Reader, error) {
	st, err := parseStatement(q.sql + "\n")
	if err == nil && st.kind == insertData && !st.values {
		return st, io.MultiReader(strings.NewReader(st.rest), q.body), nil
	}
	// The statement may begin in the URL and go on in the body. Of an INSERT only
	// its beginning is read here: the rest may be long.
	head, more, err := readUpTo(q.body, maxStatement)
	if err != nil {
		return st, nil, badData(err)
	}
	text := string(head)
	if q.sql != "" {
		text = q.sql + "\n" + text
	}
	if st, err = parseStatement(text); err != nil {
		return st, nil, err
	}
	switch {
	case st.kind == insertData && !st.values:
		return st, io.MultiReader(strings.NewReader(st.rest), q.body), nil
	case !more:
		if st.values {
			// As one statement the engine knows parameters in the values too.
			st = statement{kind: other, text: text}
		}
		return st, nil, nil
	case st.values && len(q.params) == 0:
		return st, io.MultiReader(strings.NewReader(st.rest), q.body), nil
	}
	return st, nil, fault(codeQueryTooLarge, "the statement is longer than %d bytes; send data by INSERT … FORMAT", maxStatement)
}

// maxStatement bounds a statement without its data, bytes.
const maxStatement = 4 << 20

// readUpTo reads at most n bytes and says whether there are more. When there
// are, the one byte too many is among those returned.
func readUpTo(r io.Reader, n int) (head []byte, more bool, err error) {
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(r, int64(n)+1))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b.Bytes(), b.Len() > n, err
}
