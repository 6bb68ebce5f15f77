package ingest_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"jitaudit/ingest"
)

func TestRoundsAreRepeatedAndFailedOnesSooner(t *testing.T) {
	passing, final := errors.New("no answer"), errors.New("no right")
	permanent := func(err error) bool { return errors.Is(err, final) }
	failed := slices.Repeat([]error{passing}, 8)
	for _, tt := range []struct {
		name   string
		rounds []error
		want   []int // seconds between rounds
	}{
		{"all succeed", []error{nil, nil, final}, []int{600, 600}},
		{"pauses grow up to a minute", append(failed, final), []int{1, 2, 4, 8, 16, 32, 60, 60}},
		{"after a success they are short again", []error{passing, passing, nil, passing, final}, []int{1, 2, 600, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				last, pauses := time.Now(), []int{}
				err := ingest.Repeat(t.Context(), 10*time.Minute, slog.New(slog.DiscardHandler), permanent, func(context.Context) error {
					pauses = append(pauses, int(time.Since(last).Seconds()))
					last = time.Now()
					return tt.rounds[len(pauses)-1]
				})
				if !errors.Is(err, final) || !slices.Equal(pauses[1:], tt.want) {
					t.Errorf("got %v after pauses of %v, want %v", err, pauses[1:], tt.want)
				}
			})
		})
	}
}

func TestRepeatEndsWithItsContext(t *testing.T) {
	for name, result := range map[string]error{"in a pause": nil, "in a pause after a failure": errors.New("no answer")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				defer cancel()
				rounds := 0
				err := ingest.Repeat(ctx, time.Hour, slog.New(slog.DiscardHandler), func(error) bool { return false }, func(context.Context) error {
					rounds++
					return result
				})
				if err != nil || rounds != 1 {
					t.Errorf("%d rounds and %v, want one and nil", rounds, err)
				}
			})
		})
	}
}
