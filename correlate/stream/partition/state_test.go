package partition_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// The files of testdata/state-v1 were written by the first release, from two days
// of 46 people: what a cluster of three partitions remembers, with all that was
// never sealed ("open") and with a horizon of 12 hours ("sealed"), and what it had
// published, which was the same.

// stored is a cluster as files describe it.
type stored struct {
	Partitions int     `json:"partitions"`
	Committed  []int64 `json:"committed"`
}

func readStored(t *testing.T, name string, v any) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "state-v1", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// eachLine reads a compressed file of JSON lines.
func eachLine[T any](t *testing.T, name string, take func(*T)) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "state-v1", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(z); ; {
		var v T
		switch err := d.Decode(&v); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatal(err)
		}
		take(&v)
	}
}

// restored is the cluster whose state a file holds.
func restored(t *testing.T, state string, horizon time.Duration) *cluster {
	var s stored
	readStored(t, "cluster.json", &s)
	c := newCluster(t, s.Partitions, horizon)
	for n, next := range s.Committed {
		c.facts[n] = make([][]byte, next) // read long ago
		c.committed[n] = next
	}
	eachLine(t, state, func(r *struct {
		Partition int
		Offset    int64
		Value     json.RawMessage
	}) {
		c.state[r.Partition][r.Offset] = slices.Clone(r.Value)
	})
	eachLine(t, "results.jsonl.gz", func(r *struct {
		Topic, ID string
		Value     json.RawMessage
	}) {
		var m struct{ schemas.Meta }
		if err := json.Unmarshal(r.Value, &m); err != nil {
			t.Fatal(err)
		}
		c.table[r.ID] = reference.Published{Topic: r.Topic, Version: m.Version, Value: slices.Clone(r.Value)}
	})
	return c
}

// standing are the records of a table that are neither deleted nor retracted, by
// topic and id.
func (c *cluster) standing() map[string]string {
	out := make(map[string]string)
	for id, p := range c.table {
		var m struct {
			Status schemas.Status
			schemas.Meta
		}
		if err := json.Unmarshal(p.Value, &m); err != nil {
			c.t.Fatal(err)
		}
		if p.Topic != topics.Coverage && !m.Deleted && m.Status != schemas.Retracted {
			out[id] = p.Topic
		}
	}
	return out
}

func amounts(owners []*owner) map[string]string {
	out := make(map[string]string)
	for _, o := range owners {
		maps.Copy(out, o.p.Amounts())
	}
	return out
}

func TestTheStateOfTheFirstReleaseIsRestored(t *testing.T) {
	for _, test := range []struct {
		name, state string
		horizon     time.Duration
		sealed      bool
	}{
		{"nothing sealed", "open.jsonl.gz", week, false},
		{"most of it sealed", "sealed.jsonl.gz", 12 * time.Hour, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := restored(t, test.state, test.horizon)
			owners := c.all()
			before, now := c.standing(), amounts(owners)
			for id, topic := range before {
				if now[id] == "" && !test.sealed {
					t.Errorf("%s: %s is lost: %.300s", topic, id, c.table[id].Value)
				}
			}
			for id, topic := range now {
				if before[id] == "" && topic != topics.Findings {
					t.Errorf("%s: %s is new", topic, id)
				}
			}
			c.settle(owners)
			after := c.standing()
			for id, topic := range before {
				if after[id] == "" {
					t.Errorf("%s: %s does not stand any more: %.300s", topic, id, c.table[id].Value)
				}
			}
			c.comesToRest(t)
		})
	}
}

// all are owners of all partitions, restored.
func (c *cluster) all() (owners []*owner) {
	for n := range c.facts {
		owners = append(owners, c.own(n))
	}
	return owners
}

// comesToRest lets other owners take over, who have nothing to say.
func (c *cluster) comesToRest(t *testing.T) {
	t.Helper()
	before := maps.Clone(c.table)
	c.settle(c.all())
	for id, p := range c.table {
		if old := before[id]; old.Version != p.Version {
			t.Errorf("%s: a restart publishes %s", p.Topic, p.Value)
		}
	}
}

// What an upgrade finds on a past that is still held comes out, and nothing on
// one that was sealed: what would have to be looked at is gone.
func TestAnUpgradeTellsOnlyOfWhatIsStillHeld(t *testing.T) {
	for _, test := range []struct {
		state   string
		horizon time.Duration
		tells   bool
	}{{"open.jsonl.gz", week, true}, {"sealed.jsonl.gz", 12 * time.Hour, false}} {
		c := restored(t, test.state, test.horizon)
		before := c.standing()
		c.settle(c.all())
		more := 0
		for id := range c.standing() {
			if before[id] == "" {
				more++
			}
		}
		if more > 0 != test.tells {
			t.Errorf("%s: %d further records", test.state, more)
		}
	}
}

// What the first release said and this one does not is taken back.
func TestAnUpgradeTakesBackWhatDoesNotHold(t *testing.T) {
	c := restored(t, "open.jsonl.gz", week)
	var id string
	for known, p := range c.table {
		var f schemas.Finding
		if p.Topic != topics.Findings || json.Unmarshal(p.Value, &f) != nil || f.Status == schemas.Retracted {
			continue
		}
		// As if it had broken a rule that is no more.
		f.ID, f.Rule, id = "fnd_of_old", "old_rule", "fnd_of_old"
		b, err := json.Marshal(&f)
		if err != nil {
			t.Fatal(err)
		}
		p.Value = b
		delete(c.table, known) // as if that one had never come out
		c.table[id] = p
		c.settle(c.all())
		if c.table[known].Value == nil {
			t.Errorf("%s did not come out", known)
		}
		break
	}
	var f schemas.Finding
	if err := json.Unmarshal(c.table[id].Value, &f); err != nil || f.Status != schemas.Retracted {
		t.Errorf("%v: %+v", err, f)
	}
}

// What the first release has published can be read, without loss.
func TestResultsOfTheFirstReleaseAreRead(t *testing.T) {
	c := restored(t, "open.jsonl.gz", week)
	for id, p := range c.table {
		var v any
		switch p.Topic {
		case topics.Grants:
			v = new(schemas.Grant)
		case topics.Assumptions:
			v = new(schemas.Assumption)
		case topics.Sessions:
			v = new(schemas.Session)
		case topics.Findings:
			v = new(schemas.Finding)
		case topics.Uses:
			v = new(schemas.Use)
		case topics.Coverage:
			v = new(schemas.Covered)
		default:
			t.Fatalf("a record of topic %s", p.Topic)
		}
		d := json.NewDecoder(bytes.NewReader(p.Value))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%s %s: %v", p.Topic, id, err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var was, is map[string]any
		if err := errors.Join(json.Unmarshal(p.Value, &was), json.Unmarshal(again, &is)); err != nil {
			t.Fatal(err)
		}
		for k := range was {
			if _, kept := is[k]; !kept {
				t.Errorf("%s %s: %q is lost", p.Topic, id, k)
			}
		}
	}
}
