package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// What a caller may decide on.
var (
	// ErrUnreachable is that of a broker that can't be connected to.
	ErrUnreachable = errors.New("Kafka cannot be reached")
	// ErrDenied is that of a broker that refuses a login, or an operation to
	// whom is logged in. Trying again does not help.
	ErrDenied = errors.New("Kafka denies access")
	// ErrUnknownTopic is that of a topic or partition that does not exist.
	ErrUnknownTopic = errors.New("Kafka has no such topic")
	// ErrFenced is that of a commit by a member whose generation is over:
	// another one owns the partition now. What was to be committed is lost to
	// nobody, the new owner does it again.
	ErrFenced = errors.New("the partition has been given to another member of the group")
	// ErrOffsetLost is that of an *OffsetLostError.
	ErrOffsetLost = errors.New("the committed offset is outside the log")
)

// OffsetLostError says that a group stands where the log is not, any more or
// yet: records were deleted before they were read, or the log was lost.
type OffsetLostError struct {
	Topic     string // as Kafka names it
	Partition int
	// Offset is where the group, or the reader, stands.
	Offset int64
	// First and End are the log's first offset and the one after its last.
	First, End int64
}

func (e *OffsetLostError) Error() string {
	if e.Offset < e.First {
		return fmt.Sprintf("read topic %s, partition %d at offset %d: its log starts at %d, so %d records were deleted before they were read: raise retention.ms, and commit offset %d to go on without them",
			e.Topic, e.Partition, e.Offset, e.First, e.First-e.Offset, e.First)
	}
	return fmt.Sprintf("read topic %s, partition %d at offset %d: its log ends at %d, so the topic was made anew or lost its end: restore it, or start with other topics and groups",
		e.Topic, e.Partition, e.Offset, e.End)
}

func (e *OffsetLostError) Unwrap() error { return ErrOffsetLost }

// TooLargeError says which message is larger than may be written. Nothing after
// it in its partition was written.
type TooLargeError struct {
	// Index is the message's place in what was given to Write.
	Index int
	Topic string // as Kafka names it
	Key   []byte
	// Size and Limit are in bytes; Limit is 0 where the broker refused and did
	// not say what it allows.
	Size, Limit int
}

func (e *TooLargeError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("write message %q of %d bytes to topic %s: larger than the broker allows: raise the topic's max.message.bytes to %d", e.Key, e.Size, e.Topic, wantedMessageBytes)
	}
	return fmt.Sprintf("write message %q of %d bytes to topic %s: larger than %d bytes", e.Key, e.Size, e.Topic, e.Limit)
}

// deniedError is the sentence for a refusal.
type deniedError struct {
	cause kafkago.Error
}

func (e *deniedError) Error() string {
	switch e.cause {
	case kafkago.SASLAuthenticationFailed:
		return "Kafka refuses the login: check sasl's user and password"
	case kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState:
		return "Kafka does not offer the configured login: check sasl's mechanism, and that this port wants a login"
	}
	return fmt.Sprintf("Kafka denies access (%s): grant it to the user that is configured", e.cause.Title())
}

func (e *deniedError) Unwrap() []error { return []error{ErrDenied, e.cause} }

// explain adds what was being done to an error of kafka-go, and says in one
// sentence what that knows in three.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var unreachable *unreachableError
	if errors.As(err, &unreachable) {
		return fmt.Errorf("%s: %w", doing, unreachable)
	}
	var code kafkago.Error
	if !errors.As(err, &code) {
		if errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) {
			return fmt.Errorf("%s: %w", doing, ErrUnknownTopic)
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch code {
	case kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState,
		kafkago.TopicAuthorizationFailed, kafkago.GroupAuthorizationFailed, kafkago.ClusterAuthorizationFailed:
		return fmt.Errorf("%s: %w", doing, &deniedError{code})
	case kafkago.UnknownTopicOrPartition, kafkago.UnknownTopicID:
		return fmt.Errorf("%s: %w (%w)", doing, ErrUnknownTopic, code)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// transient reports whether the same request may succeed later.
func transient(err error) bool {
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrOffsetLost) {
		return false
	}
	var code kafkago.Error
	if errors.As(err, &code) {
		// Unknown is what kafka-go makes of a failed part of a split request.
		return code.Temporary() || code == kafkago.Unknown || code == kafkago.BrokerNotAvailable
	}
	if errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) || errors.Is(err, protocol.ErrNoLeader) || errors.Is(err, ErrUnknownTopic) {
		return true
	}
	var network net.Error
	return errors.Is(err, ErrUnreachable) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// unknownTopic reports whether the error may be that of a topic that is not
// there, or that of an old view of the cluster.
func unknownTopic(err error) bool {
	return errors.Is(err, ErrUnknownTopic) || errors.Is(err, kafkago.UnknownTopicOrPartition) ||
		errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}
