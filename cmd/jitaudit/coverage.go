package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// Of many shards and many holes a table shows the first.
const (
	shardsShown    = 20
	intervalsShown = 10
)

// printCoverage lists where the logs count as complete; shards that are covered
// alike share their lines.
func (p *tablePrinter) printCoverage(coverage []schemas.Coverage) {
	p.title("Taken to be complete")
	if len(coverage) == 0 {
		p.note("nowhere: the absence of an event proves nothing; say where the logs are complete with --complete FROM/TO")
		return
	}
	groups := groupCoverage(coverage)
	g := grid{columns: []column{{title: "LOG", least: 12}, {title: "FROM (UTC)"}, {title: "TO"}}}
	for _, c := range groups[:min(len(groups), shardsShown)] {
		log := plain(c.name())
		for _, span := range c.intervals[:min(len(c.intervals), intervalsShown)] {
			g.add(log, text{s: second(span.From)}, text{s: second(span.To)})
			log = text{}
		}
		if more := len(c.intervals) - intervalsShown; more > 0 {
			g.add(text{}, text{s: fmt.Sprintf("… and %d more", more)}, text{})
		}
	}
	g.print(p.w, p.terminal, "  ")
	if more := len(groups) - shardsShown; more > 0 {
		p.printf("  … and %d more", more)
	}
}

// covered are shards of one source with the same coverage.
type covered struct {
	source    schemas.Source
	shards    []string
	intervals []schemas.Coverage
}

func (c covered) name() string {
	if len(c.shards) == 1 {
		return c.shards[0]
	}
	return fmt.Sprintf("%s (%d shards)", c.source, len(c.shards))
}

// groupCoverage takes coverage by shard and puts shards that are covered alike
// together, those of Okta first.
func groupCoverage(coverage []schemas.Coverage) []covered {
	var groups []covered
	for from := 0; from < len(coverage); {
		to := from
		for to < len(coverage) && coverage[to].Shard == coverage[from].Shard {
			to++
		}
		groups = addShard(groups, coverage[from:to])
		from = to
	}
	slices.SortStableFunc(groups, func(a, b covered) int { return -cmp.Compare(a.source, b.source) })
	return groups
}

func addShard(groups []covered, intervals []schemas.Coverage) []covered {
	c := covered{source: schemas.CloudTrail, shards: []string{intervals[0].Shard}, intervals: intervals}
	if strings.HasPrefix(intervals[0].Shard, schemas.OktaShard("")) {
		c.source = schemas.Okta
	}
	alike := func(a, b schemas.Coverage) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }
	for i := range groups {
		if groups[i].source == c.source && slices.EqualFunc(groups[i].intervals, intervals, alike) {
			groups[i].shards = append(groups[i].shards, c.shards...)
			return groups
		}
	}
	return append(groups, c)
}
