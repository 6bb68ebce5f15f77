package schemas

// RawKind says what a record of a raw topic is.
type RawKind string

// The kinds of raw record. All records of a shard stand in one partition, in
// the order in which they were acknowledged.
const (
	// RawEvent is one event of the log, byte for byte as its vendor wrote it.
	RawEvent RawKind = "event"
	// RawCoverage is a Coverage: all events of its interval stand before it.
	RawCoverage RawKind = "coverage"
	// RawShards is a Shards. In the partition of an Okta org it stands before any
	// coverage of that org.
	RawShards RawKind = "shards"
	// RawMember is a Member, RawSnapshot a Snapshot.
	RawMember   RawKind = "member"
	RawSnapshot RawKind = "snapshot"
	// RawRequest is a request for access as Okta's governance API gave it
	// (ingest/okta/governance), RawUser a user as AWS's Identity Store listed them
	// (ingest/identitystore).
	RawRequest RawKind = "request"
	RawUser    RawKind = "user"
)

// The headers of a raw record; its key is the shard.
const (
	HeaderSource = "source" // okta | cloudtrail | approvals
	HeaderShard  = "shard"
	HeaderKind   = "kind" // RawKind
	HeaderID     = "id"   // the event's own id, where it has one
	HeaderTime   = "time" // the event's own time, RFC 3339
)

// CopyRank orders the copies of one event: the greatest counts. An addendum
// ranks above every copy without; else the lower content hash is greater.
func CopyRank(hash uint64, addendum bool) uint64 {
	rank := ^hash >> 1
	if addendum {
		rank |= 1 << 63
	}
	return rank
}
