//go:build !unix

package broker

import "errors"

type lock struct{}

func takeLock(string) (*lock, error) {
	return nil, errors.New("a data directory can't be locked on this system: configure a real Kafka cluster")
}

func (*lock) release() error { return nil }
