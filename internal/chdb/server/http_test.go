package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// numbers is a block of n numbers in Native, as a client sends it.
func numbers(t testing.TB, n int) []byte {
	t.Helper()
	var column proto.ColUInt64
	for i := range n {
		column.Append(uint64(i))
	}
	var b proto.Buffer
	block := proto.Block{Columns: 1, Rows: n}
	if err := block.EncodeRawBlock(&b, 0, []proto.InputColumn{{Name: "n", Data: &column}}); err != nil {
		t.Fatal(err)
	}
	return b.Buf
}

func lz4(t testing.TB, data []byte) []byte {
	t.Helper()
	w := compress.NewWriter(0, compress.LZ4)
	if err := w.Compress(data); err != nil {
		t.Fatal(err)
	}
	return w.Data
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tableOfNumbers makes a table n in a database of the test, and returns what
// every request to it has in its URL.
func tableOfNumbers(t testing.TB) (conn driver.Conn, parameters string) {
	t.Helper()
	conn = dial(t, nil)
	exec(t, conn, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	return conn, "database=" + url.QueryEscape(one[string](t, conn, "SELECT currentDatabase()")) + "&"
}

func TestABrokenBodyLeavesNoRows(t *testing.T) {
	block := numbers(t, 50_000)
	flipped := bytes.Clone(lz4(t, block))
	flipped[len(flipped)/2] ^= 1
	huge := bytes.Clone(lz4(t, block))
	binary.LittleEndian.PutUint32(huge[21:], 1<<31-1)
	const native = "query=INSERT+INTO+n+FORMAT+Native"
	tests := []struct {
		name, parameters string
		body             []byte
		encoding         string
	}{
		{"cut short", native, block[:len(block)-3], ""},
		{"rubbish", native, []byte("this is not a block at all, is it?"), ""},
		{"a whole block, then half of one", native, append(bytes.Clone(block), block[:1000]...), ""},
		{"LZ4 cut short", native + "&decompress=1", lz4(t, block)[:1000], ""},
		{"LZ4 cut behind a block's header", native + "&decompress=1", append(lz4(t, block), lz4(t, block)[:25]...), ""},
		{"LZ4 with a bit flipped", native + "&decompress=1", flipped, ""},
		{"LZ4 of a size nobody sends", native + "&decompress=1", huge, ""},
		{"gzip cut short", native, gzipped(t, block)[:1000], "gzip"},
		{"no gzip", native, block, "gzip"},
		{"an unknown encoding", native, block, "br"},
		{"CSV with a word among numbers", "query=INSERT+INTO+n+FORMAT+CSV", []byte("1\n2\nthree\n"), ""},
		{"values that are none", "query=INSERT+INTO+n+VALUES", []byte("(1), (2), (three"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, parameters := tableOfNumbers(t)
			answer, text := post(t, parameters+tt.parameters, string(tt.body), http.Header{"Content-Encoding": {tt.encoding}})
			if answer.StatusCode == http.StatusOK || answer.Header.Get("X-ClickHouse-Exception-Code") == "" || !strings.HasPrefix(text, "Code: ") {
				t.Errorf("got %s with code %q: %s", answer.Status, answer.Header.Get("X-ClickHouse-Exception-Code"), text)
			}
			if got := one[uint64](t, conn, "SELECT count() FROM n"); got != 0 {
				t.Errorf("%d rows are there, want none", got)
			}
		})
	}
}

func TestAClientThatLeavesInMidInsertLeavesNoRows(t *testing.T) {
	conn, parameters := tableOfNumbers(t)
	block := numbers(t, 50_000)
	c, err := net.Dial("tcp", address(t))
	if err != nil {
		t.Fatal(err)
	}
	sendTo(t, c, "POST /?%squery=INSERT+INTO+n+FORMAT+Native HTTP/1.1\r\nHost: x\r\nX-ClickHouse-Key: %s\r\nContent-Length: %d\r\n\r\n", parameters, token, len(block))
	if _, err := c.Write(block[:len(block)-1]); err != nil {
		t.Fatal(err)
	}
	const running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO n%'"
	awaitCount(t, conn, running, 1)
	c.Close()
	awaitCount(t, conn, running, 0)
	if got := one[uint64](t, conn, "SELECT count() FROM n"); got != 0 {
		t.Errorf("%d rows are there, want none", got)
	}
}

func TestInsertsOfAllShapesArrive(t *testing.T) {
	block := numbers(t, 1000)
	long := strings.TrimSuffix(strings.Repeat("(1234567890),", 500_000), ",") // 6.5 MB: longer than a statement may be
	tests := []struct {
		name, parameters string
		body             string
		header           http.Header
		want             uint64
	}{
		{"native", "query=INSERT+INTO+n+FORMAT+Native", string(block), nil, 1000},
		{"two blocks", "query=INSERT+INTO+n+FORMAT+Native", string(block) + string(block), nil, 2000},
		{"LZ4 in two frames", "decompress=1&query=INSERT+INTO+n+FORMAT+Native", string(lz4(t, block[:500])) + string(lz4(t, block[500:])), nil, 1000},
		{"gzip", "query=INSERT+INTO+n+FORMAT+Native", string(gzipped(t, block)), http.Header{"Content-Encoding": {"gzip"}}, 1000},
		{"gzip around LZ4", "decompress=1&query=INSERT+INTO+n+FORMAT+Native", string(gzipped(t, lz4(t, block))), http.Header{"Content-Encoding": {"gzip"}}, 1000},
		{"statement and data in the body", "", "INSERT INTO n FORMAT Native\n" + string(block), nil, 1000},
		{"statement in both", "query=INSERT+INTO+n", "FORMAT CSV\n1\n2\n", nil, 2},
		{"values", "", "INSERT INTO n VALUES (1), (2 + 2);", nil, 2},
		{"values behind the URL", "query=INSERT+INTO+n+VALUES", "(1), (2), (3)", nil, 3},
		{"many values", "query=INSERT+INTO+n+VALUES", long, nil, 500_000},
		{"values with parameters", "param_x=7", "INSERT INTO n VALUES ({x:UInt64})", nil, 1},
		{"with settings", "", "INSERT INTO n SETTINGS async_insert=1, wait_for_async_insert=1 FORMAT CSV\n1\n", nil, 1},
		{"from a select", "", "INSERT INTO n SELECT number FROM numbers(17)", nil, 17},
		{"nothing", "query=INSERT+INTO+n+FORMAT+Native", "", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, parameters := tableOfNumbers(t)
			answer, text := post(t, parameters+tt.parameters, tt.body, tt.header)
			if answer.StatusCode != http.StatusOK || text != "" {
				t.Fatalf("got %s: %s", answer.Status, text)
			}
			if got := one[uint64](t, conn, "SELECT count() FROM n"); got != tt.want {
				t.Errorf("%d rows, want %d", got, tt.want)
			}
			if want := fmt.Sprintf(`"written_rows":"%d"`, tt.want); !strings.Contains(answer.Header.Get("X-ClickHouse-Summary"), want) {
				t.Errorf("summary %s, want %s", answer.Header.Get("X-ClickHouse-Summary"), want)
			}
		})
	}
}

func TestAnswersOfPlainHTTP(t *testing.T) {
	tests := []struct {
		name, parameters, body string
		header                 http.Header
		status                 int
		code, want             string // want is the answer, or part of an error
	}{
		{"tab separated by default", "", "SELECT 1, 'a'", nil, 200, "", "1\ta\n"},
		{"a format in the statement", "default_format=Native", "SELECT 1 AS n FORMAT JSONEachRow", nil, 200, "", "{\"n\":1}\n"},
		{"a format in a header", "", "SELECT 1", http.Header{"X-Clickhouse-Format": {"CSVWithNames"}}, 200, "", "\"1\"\n1\n"},
		{"all at the end", "wait_end_of_query=1&default_format=RowBinary", "SELECT toUInt8(65)", nil, 200, "", "A"},
		{"an error at the end", "wait_end_of_query=1&default_format=Native", "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 100", nil, 500, "395", "Code: 395."},
		{"nothing to do", "query=", "", nil, 400, "62", "Empty query"},
		{"a session", "session_id=a", "SELECT 1", nil, 501, "48", "session_id is not supported"},
		{"external tables", "", "SELECT 1", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, 501, "48", "external tables"},
		{"no setting's name", "a%27b=1", "SELECT 1", nil, 400, "36", "not the name of a setting"},
		{"an unknown method of blocks", "compress=1&network_compression_method=LZMA", "SELECT 1", nil, 500, "89", "LZMA"},
		{"an unknown database", "database=none", "SELECT 1", nil, 404, "81", "none"},
		{"a statement that is too long", "", "SELECT '" + strings.Repeat("x", 5<<20) + "'", nil, 413, "307", "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, text := post(t, tt.parameters, tt.body, tt.header)
			code := answer.Header.Get("X-ClickHouse-Exception-Code")
			if answer.StatusCode != tt.status || code != tt.code || code == "" && text != tt.want || !strings.Contains(text, tt.want) {
				t.Errorf("got %s, code %q, %q, want %d, %q, %q", answer.Status, code, text, tt.status, tt.code, tt.want)
			}
		})
	}
}

func TestAnAnswerBrokenByAnErrorIsBrokenOff(t *testing.T) {
	answer, text := post(t, "default_format=RowBinary", brokenLate, nil)
	tag := answer.Header.Get("X-ClickHouse-Exception-Tag")
	if len(tag) != 16 || !strings.Contains(text, "\r\n__exception__\r\n"+tag+"\r\nCode: 395.") || !strings.HasSuffix(text, tag+"\r\n__exception__\r\n <broken off>") {
		t.Errorf("tag %q, the end is %q", tag, text[max(0, len(text)-300):])
	}
}

func TestTheAnswerIsCompressedForWhoAsks(t *testing.T) {
	const sql = "SELECT repeat('ada ', 1000) FROM numbers(1000)"
	header := http.Header{"Accept-Encoding": {"gzip"}}
	for _, format := range []string{"TabSeparated", "RowBinary"} {
		_, plain := post(t, "default_format="+format, sql, header)
		answer, packed := post(t, "enable_http_compression=1&default_format="+format, sql, header)
		if answer.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: encoding %q", format, answer.Header.Get("Content-Encoding"))
		}
		z, err := gzip.NewReader(strings.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := io.ReadAll(z)
		if err != nil || string(unpacked) != plain || len(packed) > len(plain)/10 {
			t.Errorf("%s: %d bytes of %d unpack to %d, %v", format, len(packed), len(plain), len(unpacked), err)
		}
	}
}

func TestWhoMayAsk(t *testing.T) {
	get := func(target string, change func(*http.Request)) (*http.Response, string) {
		r, err := http.NewRequest(http.MethodGet, "http://"+address(t)+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(r)
		}
		return do(t, r)
	}
	tests := []struct {
		name, target string
		change       func(*http.Request)
		status       int
		want         string
	}{
		{"ping", "/ping", nil, 200, "Ok.\n"},
		{"nothing asked", "/", nil, 200, "Ok.\n"},
		{"elsewhere", "/play", nil, 404, "no handle /play"},
		{"another method", "/?query=SELECT+1", func(r *http.Request) { r.Method = http.MethodDelete }, 405, "GET or POST"},
		{"nobody", "/?query=SELECT+1", nil, 401, "Code: 194."},
		{"basic authentication", "/?query=SELECT+1", func(r *http.Request) { r.SetBasicAuth("default", token) }, 200, "1\n"},
		{"another user", "/?query=SELECT+1", func(r *http.Request) { r.SetBasicAuth("root", token) }, 403, "Code: 516."},
		{"a wrong token", "/?query=SELECT+1", func(r *http.Request) { r.SetBasicAuth("default", "x") }, 403, "Code: 516."},
		{"a header", "/?query=SELECT+1", func(r *http.Request) { r.Header.Set("X-ClickHouse-Key", token) }, 200, "1\n"},
		{"the URL", "/?query=SELECT+1&user=default&password=" + token, nil, 200, "1\n"},
		{"a link that would change something", "/?query=CREATE+DATABASE+evil&password=" + token, nil, 403, "Code: 164."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, text := get(tt.target, tt.change)
			if answer.StatusCode != tt.status || !strings.Contains(text, tt.want) || strings.Contains(text, token) {
				t.Errorf("got %s: %q, want %d: %q", answer.Status, text, tt.status, tt.want)
			}
		})
	}
}

func sendTo(t testing.TB, c io.Writer, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		t.Fatal(err)
	}
}

// hold occupies a session until release is called, by an insert whose data does
// not end.
func hold(t *testing.T, conn driver.Conn, parameters, id string) (release func()) {
	t.Helper()
	c, err := net.Dial("tcp", address(t))
	if err != nil {
		t.Fatal(err)
	}
	sendTo(t, c, "POST /?%squery=INSERT+INTO+n+FORMAT+CSV&query_id=%s HTTP/1.1\r\nHost: x\r\nX-ClickHouse-Key: %s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n", parameters, id, token)
	return func() {
		defer c.Close()
		sendTo(t, c, "0\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("X-ClickHouse-Query-Id") != id {
			t.Errorf("the held insert: %v, %+v", err, answer)
		}
	}
}

func TestAQueryIDRunsOnce(t *testing.T) {
	conn, parameters := tableOfNumbers(t)
	release := hold(t, conn, parameters, "twin")
	awaitCount(t, conn, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO n%'", 1)
	if answer, text := post(t, "query_id=twin", "SELECT 1", nil); answer.Header.Get("X-ClickHouse-Exception-Code") != "216" {
		t.Errorf("a second one: %s: %s", answer.Status, text)
	}
	release()
	if answer, text := post(t, "query_id=twin", "SELECT 1", nil); answer.StatusCode != http.StatusOK || answer.Header.Get("X-ClickHouse-Query-Id") != "twin" {
		t.Errorf("after the first: %s: %s", answer.Status, text)
	}
}

func TestWhoFindsNoSessionIsToldSo(t *testing.T) {
	conn, parameters := tableOfNumbers(t)
	var release []func()
	for i := range sessions - 1 {
		release = append(release, hold(t, conn, parameters, fmt.Sprint("holder-", i)))
	}
	awaitCount(t, conn, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO n%'", sessions-1)
	last, err := shared.engine.Session(context.Background(), sessionConfig)
	if err != nil {
		t.Fatal(err)
	}
	answer, text := post(t, "", "SELECT 1", nil)
	if answer.Header.Get("X-ClickHouse-Exception-Code") != "202" || !strings.Contains(text, "Too many simultaneous queries") {
		t.Errorf("got %s: %s, want code 202", answer.Status, text)
	}
	last.Close()
	for _, f := range release {
		f()
	}
	if got := one[uint64](t, conn, "SELECT count() FROM n"); got != sessions-1 {
		t.Errorf("%d rows, want one of each holder", got)
	}
}
