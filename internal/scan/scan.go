// Package scan judges log files: files in, judged sessions out, in memory that
// hardly grows with the input.
//
// It goes over the events three times. The first pass reads the files, learns
// who is who, and puts every relevant fact by event id into one of many spill
// streams. The second tells copies of an event apart within each stream, finds
// whose the event is, and puts it by person into another set of streams. The
// third rebuilds what each person did and hands it to the sink, by person key.
// What concerns nobody in particular is kept in memory for it.
// Neither the number of workers nor the order of files changes the result.
package scan

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/internal/scan/spill"
	"jitaudit/internal/scan/wire"
	"jitaudit/schemas"
)

// Options say what is scanned and how.
type Options struct {
	Inputs   []Input
	Policies *policy.Set
	// Coverage is where the logs are complete; nil takes it from the events seen.
	Coverage []schemas.Coverage
	// Complete replaces, per source, what the events seen say.
	Complete []Complete
	// Gaps are cut out of the coverage.
	Gaps []Gap

	// Workers is how many files are read at a time; default GOMAXPROCS.
	Workers int
	// Memory is how many bytes of facts are kept in memory, default 16 MB; the
	// rest goes to a temporary file in TempDir, default os.TempDir().
	Memory  int64
	TempDir string
	// Progress is told what is read; nil for nobody.
	Progress Progress
}

// Input is a file or folder of logs.
type Input struct {
	Source schemas.Source
	// Org is the name of the Okta org that an Okta log is of, or that what Okta
	// listed must be of; "" for any.
	Org  string
	Path string
	// Snapshot: the files hold no log but what was listed or asked for: members and
	// snapshots of Okta groups (schemas.Member, schemas.Snapshot), requests of Okta's
	// governance (governance.Record), users of an Identity Store
	// (identitystore.Record). Records say themselves which they are, whatever Source is.
	Snapshot bool
}

// Progress is told how reading goes. Read is called by many goroutines.
type Progress interface {
	// Start says how many bytes all files have, as they are on disk.
	Start(bytes int64)
	Read(bytes int)
	// Done says that all files are read.
	Done()
}

// Sink takes what comes out: first the results in the order of person keys, then
// the dead letters by file, in the order of the files' sources and names, and
// record. What it is given stays valid.
type Sink interface {
	Result(*Result) error
	DeadLetter(*schemas.DeadLetter) error
}

// Result is what one person did.
type Result struct {
	Person schemas.Person
	correlate.Outcome
	// Activity counts the calls of each session, in the order of Sessions.
	Activity []schemas.ActivityCounts
}

// Summary is what is known about the scan as a whole.
type Summary struct {
	Files   int
	Bytes   int64 // as they are on disk
	Skipped []Skipped
	// First and Last bound the events of Okta's and CloudTrail's logs.
	First, Last time.Time
	Coverage    []schemas.Coverage
	People      int
	// Facts counts the decoded facts by kind, copies included.
	Facts map[schemas.FactKind]int64
	// Ledgers account for every record, one per source: Okta (what it listed
	// included), CloudTrail (users of an Identity Store included) and, where a feed
	// was given, approvals.
	Ledgers []schemas.Ledger
}

const (
	defaultMemory = 16 << 20
	// buckets is how many streams the events are put into by id: so many that
	// each fits into memory for any input that fits onto a disk.
	bucketBits = 7
	buckets    = 1 << bucketBits
	// maxPartitions bounds the streams by person.
	maxPartitions = 256
	// partitionSize is about how many bytes of facts are rebuilt at a time.
	partitionSize = 1 << 20
)

// bucketOf takes the highest bits of a hash, as those within a bucket are told
// apart by the lowest.
func bucketOf(hash uint64) int { return int(hash >> (64 - bucketBits)) }

// Run scans the inputs.
func Run(ctx context.Context, opts Options, sink Sink) (Summary, error) {
	files, skipped, err := find(opts.Inputs)
	if err != nil {
		return Summary{Skipped: skipped}, err
	}
	sum, err := run(ctx, files, opts, sink)
	sum.Skipped = skipped
	return sum, err
}

// scan is one run.
type scan struct {
	opts  Options
	files []file // by source, org and name
	store *spill.Store
	// tables hold what calls share, in the first pass; shared thereafter.
	tables wire.Tables
	// directory knows who goes by which name, from the end of the first pass on.
	directory *identity.Directory
	shared    *wire.Shared
	watched   watchedRoles
	// common is known from the second pass on.
	common *common
}

func run(ctx context.Context, files []file, opts Options, sink Sink) (sum Summary, err error) {
	if opts.Policies == nil {
		return Summary{}, errors.New("scan without a policy: give at least one")
	}
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.Memory <= 0 {
		opts.Memory = defaultMemory
	}
	s := &scan{opts: opts, files: files, tables: wire.NewTables(opts.Workers)}
	s.store = spill.New(spill.Options{
		Dir: opts.TempDir, Budget: opts.Memory,
		Streams: s.credentialStream(opts.Workers), Open: (buckets + 1) * opts.Workers,
	})
	defer func() { err = errors.Join(err, s.store.Close()) }()

	read, err := s.collect(ctx)
	if err != nil {
		return Summary{}, err
	}
	sum = read.summary(s)
	sum.Coverage, err = s.coverage(read.seen)
	if err != nil {
		return sum, err
	}
	s.directory = read.people.Directory()
	read.people = nil
	if err := s.share(s.directory); err != nil {
		return sum, err
	}
	who, ledger, err := s.resolve(ctx, s.directory)
	if err != nil {
		return sum, err
	}
	if err := s.judge(ctx, who, correlate.NewCoverage(sum.Coverage), sink); err != nil {
		return sum, err
	}
	if err := s.deadLetters(sink); err != nil {
		return sum, err
	}
	sum.People = len(who.all)
	sum.Ledgers = ledger.add(read.ledger).list(s.files)
	for _, l := range sum.Ledgers {
		if !l.Balanced() {
			return sum, fmt.Errorf("the ledger of %s does not add up (%+v): this is a bug of jitaudit, please report it", l.Source, l)
		}
	}
	return sum, nil
}

// ledgers are those of all sources while they are counted.
type ledgers struct{ okta, cloudtrail, approvals schemas.Ledger }

func (l *ledgers) of(source schemas.Source) *schemas.Ledger {
	switch source {
	case schemas.Okta:
		return &l.okta
	case schemas.Approvals:
		return &l.approvals
	}
	return &l.cloudtrail
}

func (l ledgers) add(o ledgers) ledgers {
	return ledgers{plus(l.okta, o.okta), plus(l.cloudtrail, o.cloudtrail), plus(l.approvals, o.approvals)}
}

func plus(a, b schemas.Ledger) schemas.Ledger {
	return schemas.Ledger{
		Read: a.Read + b.Read, Used: a.Used + b.Used, Irrelevant: a.Irrelevant + b.Irrelevant,
		Duplicate: a.Duplicate + b.Duplicate, Corrected: a.Corrected + b.Corrected, Dead: a.Dead + b.Dead,
	}
}

func (l ledgers) list(files []file) []schemas.Ledger {
	l.okta.Source, l.cloudtrail.Source, l.approvals.Source = schemas.Okta, schemas.CloudTrail, schemas.Approvals
	all := []schemas.Ledger{l.okta, l.cloudtrail}
	if slices.ContainsFunc(files, func(f file) bool { return f.source == schemas.Approvals }) {
		all = append(all, l.approvals)
	}
	return all
}
