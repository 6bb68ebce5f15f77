package chdb

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// lastLines keeps the last that a child said, for the error when it ends.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lastLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 20 {
		l.lines = l.lines[1:]
	}
	l.lines = append(l.lines, line)
}

// String is the lines, one below the other.
func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// forward logs what a child says until it says no more. Its own logs are JSON;
// everything else is of the engine or of Go's runtime, and is kept.
func forward(from io.Reader, log *slog.Logger, said *lastLines) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" && !relog(line, log) {
			said.add(line)
			log.Warn("the embedded ClickHouse said", "line", line)
		}
		if err != nil {
			return
		}
	}
}

// relog logs a line of slog's JSON, if it is one, as the child logged it.
func relog(line string, log *slog.Logger) bool {
	var record map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &record) != nil {
		return false
	}
	message, isText := record[slog.MessageKey].(string)
	name, _ := record[slog.LevelKey].(string)
	var level slog.Level
	if !isText || level.UnmarshalText([]byte(name)) != nil {
		return false
	}
	attrs := []slog.Attr{slog.String("part", "clickhouse")}
	for _, key := range slices.Sorted(maps.Keys(record)) {
		if key != slog.TimeKey && key != slog.LevelKey && key != slog.MessageKey {
			attrs = append(attrs, slog.Any(key, record[key]))
		}
	}
	log.LogAttrs(context.Background(), level, message, attrs...)
	return true
}
