package verify

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"ticketing/command/audit"
	"ticketing/internal/text"
)

// Kind says what a finding means.
type Kind string

// The kinds, the worst first.
const (
	Broken  Kind = "broken"  // the log itself has a gap, or breaks an invariant
	Differs Kind = "differs" // a read table differs from the log
	Dead    Kind = "dead"    // a domain event could not be applied, and its stream waits
	Behind  Kind = "behind"  // a row has not reached the log's version yet
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind   Kind
	Table  string // empty for Broken
	Key    string
	Column string // empty: the whole row
	Log    string // what the log says
	Row    string // what the table says
	Text   string // for Broken and Dead: what is wrong
}

// String returns the finding as a line.
func (f Finding) String() string {
	const longest = 300 // bytes of a value
	where := strings.TrimSpace(f.Table + " " + f.Key)
	if f.Column != "" {
		where += ", " + f.Column
	}
	if f.Text != "" {
		return fmt.Sprintf("%-8s %s: %s", f.Kind, where, f.Text)
	}
	return fmt.Sprintf("%-8s %s: %s in the log, %s in the table", f.Kind, where, text.Shorten(f.Log, longest), text.Shorten(f.Row, longest))
}

// Report is the result of a run.
type Report struct {
	Audit    *audit.Report    // of the log alone; its findings are also below
	Rows     map[string]int64 // that were compared, by read table
	Findings []Finding        // the first ones of each kind
	Counts   map[Kind]int     // of all findings
	Took     time.Duration

	show int
}

func newReport(show int) *Report {
	return &Report{Audit: audit.NewReport(show), Rows: map[string]int64{}, Counts: map[Kind]int{}, show: show}
}

// OK reports whether nothing is wrong and nothing is behind.
func (r *Report) OK() bool { return !r.Wrong() && r.Counts[Behind] == 0 }

// Wrong reports whether something is wrong beside rows that are behind.
func (r *Report) Wrong() bool { return r.Counts[Broken]+r.Counts[Differs]+r.Counts[Dead] > 0 }

func (r *Report) add(f Finding) {
	if r.Counts[f.Kind]++; r.Counts[f.Kind] <= r.show {
		r.Findings = append(r.Findings, f)
	}
}

func (r *Report) addAudit() {
	for _, f := range r.Audit.Findings {
		r.Findings = append(r.Findings, Finding{Kind: Broken, Key: f.Key, Text: f.Text})
	}
	if r.Audit.Count > 0 {
		r.Counts[Broken] = r.Audit.Count
	}
}

// Print writes the findings and a summary.
func (r *Report) Print(out io.Writer) {
	for _, kind := range []Kind{Broken, Differs, Dead, Behind} {
		for _, f := range r.Findings {
			if f.Kind == kind {
				fmt.Fprintln(out, f)
			}
		}
		if more := r.Counts[kind] - r.show; more > 0 {
			fmt.Fprintf(out, "%-8s and %d more\n", kind, more)
		}
	}
	fmt.Fprintf(out, "log      %d domain events in %d streams, up to position %d\n", r.Audit.DomainEvents, r.Audit.Streams, r.Audit.Position)
	for _, currency := range sortedKeys(r.Audit.Money) {
		m := r.Audit.Money[currency]
		fmt.Fprintf(out, "money    %s in minor units: %d taken, %d refunded, %d lost, %d pending, %d refused, %d due\n",
			currency, m.Taken, m.Refunded, m.Lost, m.Pending, m.Refused, m.Due)
	}
	for _, table := range sortedKeys(r.Rows) {
		fmt.Fprintf(out, "rows     %s: %d\n", table, r.Rows[table])
	}
	fmt.Fprintf(out, "%d broken, %d differ, %d dead, %d behind, in %.1f s: %s\n",
		r.Counts[Broken], r.Counts[Differs], r.Counts[Dead], r.Counts[Behind], r.Took.Seconds(), r.verdict())
}

func (r *Report) verdict() string {
	switch {
	case r.Wrong():
		return "something is wrong"
	case r.Counts[Behind] > 0:
		return "the read tables are behind the log"
	}
	return "the log is sound, and the read tables agree with it"
}

// sortedKeys returns the keys of a map in order, so that two runs report the same in the same order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
