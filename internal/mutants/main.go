package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
)

func main() {
	run := flag.String("run", "", "only mutants whose name this `REGEX` matches")
	verbose := flag.Bool("v", false, "name the killed too, each with the test that noticed it")
	workers := flag.Int("workers", 2, "how many mutants run at a time")
	list := flag.Bool("list", false, "name the mutants and run none")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	opts := options{run: *run, verbose: *verbose, list: *list, workers: *workers}
	if err := mutants(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

type options struct {
	run           string
	verbose, list bool
	workers       int
}

func mutants(ctx context.Context, opts options) error {
	wanted, err := regexp.Compile(opts.run)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	files, err := load(root)
	if err != nil {
		return err
	}
	all, broken := plan(files)
	all = keep(all, wanted)
	if opts.list {
		for _, m := range all {
			fmt.Fprintln(os.Stdout, m.name)
		}
		return errors.Join(broken...)
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return fmt.Errorf("a folder for the changed sources: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &runner{root: root, dir: dir, files: files, workers: max(1, opts.workers), verbose: opts.verbose, out: os.Stdout}
	if err := r.build(ctx, all); err != nil {
		return errors.Join(append(broken, err)...)
	}
	if err := r.judge(ctx, all); err != nil {
		return errors.Join(append(broken, err)...)
	}
	return errors.Join(append(broken, r.report(all))...)
}

func keep(all []*mutant, wanted *regexp.Regexp) []*mutant {
	var out []*mutant
	for _, m := range all {
		if wanted.MatchString(m.name) {
			out = append(out, m)
		}
	}
	return out
}
