package main

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"jitaudit/internal/demo"
)

// stages shows how far the pipeline has come: as a bar on a terminal, else in
// lines.
type stages struct {
	bars *mpb.Progress
	bar  *mpb.Bar
	out  io.Writer
	last demo.Progress
	said int
}

func newStages(stderr io.Writer) *stages {
	s := &stages{out: stderr}
	if !isTerminal(stderr) || os.Getenv("TERM") == "dumb" {
		return s
	}
	s.bars = mpb.New(mpb.WithOutput(stderr), mpb.WithWidth(40))
	s.bar = s.bars.AddBar(1, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("pipeline ")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return s.words() })),
	)
	return s
}

func (s *stages) words() string {
	p := s.last
	return fmt.Sprintf("%d of %d events collected, %d of %d shards judged to the end, %d records to write",
		min(p.Events, p.Total), p.Total, p.Covered, p.Shards, p.Waiting)
}

// show is told how far it is.
func (s *stages) show(p demo.Progress) {
	s.last = p
	// Collecting and judging are one half each.
	percent := 50*min(p.Events, p.Total)/max(1, p.Total) + 50*p.Covered/max(1, p.Shards)
	if s.bar != nil {
		s.bar.SetTotal(101, false)
		s.bar.SetCurrent(int64(percent))
		return
	}
	if percent >= s.said+25 && percent < 100 || p.Done() {
		s.said = percent
		_, _ = fmt.Fprintln(s.out, s.words())
	}
}

// close takes the bar off the screen.
func (s *stages) close() {
	if s.bar != nil {
		s.bar.Abort(true)
		s.bars.Wait()
	}
}
