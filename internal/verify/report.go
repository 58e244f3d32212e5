package verify

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Kind says what a finding means.
type Kind string

// The kinds, the worst first.
const (
	Broken  Kind = "broken"  // the log itself: a gap, or an invariant that does not hold
	Differs Kind = "differs" // a read table says something else than the log
	Behind  Kind = "behind"  // a row has not come as far as the log, and may still come
)

// Finding is one thing that is not as it must be.
type Finding struct {
	Kind   Kind
	Table  string // "log" when it is no read table's
	Key    string
	Column string // empty: it is about the whole row
	Log    string // what the log says
	Row    string // what the table says
	Text   string // with Broken: what is wrong
}

// String is the finding as a line.
func (f Finding) String() string {
	where := strings.TrimSpace(f.Table + " " + f.Key)
	if f.Column != "" {
		where += ", " + f.Column
	}
	if f.Text != "" {
		return fmt.Sprintf("%-8s %s: %s", f.Kind, where, f.Text)
	}
	return fmt.Sprintf("%-8s %s: %s in the log, %s in the table", f.Kind, where, clip(f.Log), clip(f.Row))
}

// clip keeps a line readable.
func clip(value string) string {
	const most = 300
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "…"
}

// Sum is what was taken in one currency, in minor units.
type Sum struct {
	Taken    int64 // by payments that were completed
	Refunded int64
	Pending  int64 // refunds that were requested and not carried out
	Refused  int64 // of payments that no completed reservation stands for: the gateway refused to give it back
	Due      int64 // what the completed reservations cost, without what was given back of it
}

// Report is what a run came to.
type Report struct {
	Position     int64 // of the log, up to which everything was read
	DomainEvents int64
	Streams      int
	Rows         map[string]int64 // compared, by read table
	Money        map[string]Sum   // by currency
	Findings     []Finding        // the first ones of each kind
	Counts       map[Kind]int     // all of them
	Took         time.Duration

	show int
}

// NewReport answers an empty report that keeps up to show findings of each kind.
func NewReport(show int) *Report {
	return &Report{Rows: map[string]int64{}, Money: map[string]Sum{}, Counts: map[Kind]int{}, show: show}
}

// OK says that nothing is wrong; rows may be behind.
func (r *Report) OK() bool { return r.Counts[Broken]+r.Counts[Differs] == 0 }

func (r *Report) add(f Finding) {
	if r.Counts[f.Kind]++; r.Counts[f.Kind] <= r.show {
		r.Findings = append(r.Findings, f)
	}
}

func (r *Report) broken(key, format string, args ...any) {
	r.add(Finding{Kind: Broken, Key: key, Text: fmt.Sprintf(format, args...)})
}

// Print writes the findings and the summary for a person.
func (r *Report) Print(out io.Writer) {
	for _, kind := range []Kind{Broken, Differs, Behind} {
		for _, f := range r.Findings {
			if f.Kind == kind {
				fmt.Fprintln(out, f)
			}
		}
		if more := r.Counts[kind] - r.show; more > 0 {
			fmt.Fprintf(out, "%-8s and %d more\n", kind, more)
		}
	}
	fmt.Fprintf(out, "log      %d domain events in %d streams, up to position %d\n", r.DomainEvents, r.Streams, r.Position)
	for _, currency := range sorted(r.Money) {
		m := r.Money[currency]
		fmt.Fprintf(out, "money    %s in minor units: %d taken, %d refunded, %d pending, %d refused, %d due\n",
			currency, m.Taken, m.Refunded, m.Pending, m.Refused, m.Due)
	}
	for _, table := range sorted(r.Rows) {
		fmt.Fprintf(out, "rows     %s: %d\n", table, r.Rows[table])
	}
	verdict := "the log is whole, and the read tables say what it says"
	if !r.OK() {
		verdict = "something is wrong"
	}
	fmt.Fprintf(out, "%d broken, %d differ, %d behind, in %.1f s: %s\n",
		r.Counts[Broken], r.Counts[Differs], r.Counts[Behind], r.Took.Seconds(), verdict)
}
