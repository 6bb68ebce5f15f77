package ocsf

import (
	"fmt"
	"slices"

	"jitaudit/schemas"
	"jitaudit/schemas/ocsf"
	"jitaudit/sinks/alerts"
)

// mostCounts bounds how many counts of a digest are told one by one.
const mostCounts = 50

// summary is the one Detection Finding of a digest, or of a test without anything in
// it. Its finding_info.uid is the notice's id: it stands for many findings, and is
// none of them.
func summary(n *alerts.Notice) *event {
	d := n.Digest
	if d == nil {
		d = &alerts.Digest{}
	}
	e := &event{Unmapped: make(map[string]any)}
	e.Metadata.UID, e.Metadata.EventCode = id(n.ID), "digest"
	e.classify(ocsf.DetectionFinding, created, gravest(d.Counts), fresh)
	alertable := e.SeverityID > informational.id
	e.IsAlert = &alertable
	title, desc := titleOf(d), descOf(d)
	if n.Digest == nil {
		title, desc = "a test: jitaudit reaches this receiver", "Nothing happened. jitaudit was asked to show that what it sends arrives."
		e.Metadata.EventCode = "test"
	}
	e.Message = title
	e.Count = d.Total
	e.StartTime, e.EndTime = ms(d.From), ms(d.To)
	e.FindingInfo = &findingInfo{
		UID: id(n.ID), Title: title, Desc: desc, Types: []string{e.Metadata.EventCode}, ProductUID: productName,
		FirstSeenTime: ms(d.From), LastSeenTime: ms(d.To), SrcURL: name(d.Link),
	}
	if n.Digest == nil {
		return e
	}
	e.keep("digest_reason", name(string(d.Reason)))
	var counts []map[string]any
	for _, c := range d.Counts[:min(len(d.Counts), mostCounts)] {
		counts = append(counts, map[string]any{
			"kind": id(c.Kind), "rule": id(c.Rule), "severity": id(string(c.Severity)), "change": id(string(c.Change)), "n": c.N,
		})
	}
	if len(counts) > 0 {
		e.Unmapped["counts"] = counts
	}
	if more := len(d.Counts) - mostCounts; more > 0 {
		e.Unmapped["counts_left_out"] = more
	}
	return e
}

func titleOf(d *alerts.Digest) string {
	return fmt.Sprintf("digest: %d alerts that are not told one by one", d.Total)
}

func descOf(d *alerts.Digest) string {
	why := "for the reason " + name(string(d.Reason))
	switch d.Reason {
	case alerts.TooMany:
		why = "because there were too many at once"
	case alerts.TooOld:
		why = "because what they are about is too long ago"
	case alerts.Rejudged:
		why = "because nothing new happened: known events were judged by another policy or program"
	}
	return fmt.Sprintf("This is no finding. It stands for %d alerts about events from %s to %s, which are not told one by one, %s. They are all in the records of jitaudit.",
		d.Total, orUnknown(stamp(d.From)), orUnknown(stamp(d.To)), why)
}

func orUnknown(s string) string {
	if s == "" {
		return "an unknown time"
	}
	return s
}

// gravest is the highest severity among what a digest counts; grants and sessions
// have none.
func gravest(counts []alerts.Count) caption {
	order := []schemas.Severity{schemas.Info, schemas.Low, schemas.Medium, schemas.High, schemas.Critical}
	highest := 0
	for _, c := range counts {
		highest = max(highest, slices.Index(order, c.Severity))
	}
	return severityOf(order[highest])
}
