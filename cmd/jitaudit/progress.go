package main

import (
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"jitaudit/internal/scan"
)

// progress shows how far the reading of files is, and then that judging goes on.
type progress struct {
	bars  *mpb.Progress
	read  *mpb.Bar
	judge *mpb.Bar
}

// newProgress returns nil where stderr is no terminal.
func newProgress(stderr io.Writer) *progress {
	if !isTerminal(stderr) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &progress{bars: mpb.New(mpb.WithOutput(stderr), mpb.WithWidth(40))}
}

// reports is what a scan is told to report to.
func (p *progress) reports() scan.Progress {
	if p == nil {
		return nil
	}
	return p
}

// Start implements scan.Progress.
func (p *progress) Start(bytes int64) {
	p.read = p.bars.AddBar(bytes,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("reading ")),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f / % .1f"),
			decor.AverageSpeed(decor.SizeB1024(0), "  % .1f"),
			decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 8}),
			decor.Name(" left"),
		),
	)
}

// Read implements scan.Progress.
func (p *progress) Read(bytes int) { p.read.IncrBy(bytes) }

// Done implements scan.Progress.
func (p *progress) Done() {
	p.read.SetTotal(-1, true)
	p.judge = p.bars.AddSpinner(0, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name("judging ")))
}

// close takes the bars off the screen; it may be called again.
func (p *progress) close() {
	if p == nil {
		return
	}
	for _, bar := range []*mpb.Bar{p.read, p.judge} {
		if bar != nil {
			bar.Abort(true)
		}
	}
	p.bars.Wait()
}
