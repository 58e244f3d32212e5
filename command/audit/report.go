package audit

import "fmt"

// Report is the result of an audit.
type Report struct {
	Position     int64 // of the log, up to which it was read
	DomainEvents int64
	Streams      int
	Money        map[string]Sum // by currency
	Findings     []Finding      // the first ones
	Count        int            // of all findings

	show    int
	partial bool // a broken stream hides a part of the money
}

// Finding is a domain event that can't be applied, or an invariant that does not hold.
type Finding struct {
	Key  string // a stream, or a place in the log
	Text string
}

// String returns the finding as a line.
func (f Finding) String() string { return f.Key + ": " + f.Text }

// Sum is the money that was taken in one currency, in minor units.
type Sum struct {
	Taken    int64 // by completed payments
	Refunded int64
	Pending  int64 // refunds that were requested and not carried out
	Lost     int64 // what banks gave to customers by disputes
	Refused  int64 // what gateways refused to refund of payments without a completed reservation
	Due      int64 // the price of completed reservations without what was refunded of it
}

// NewReport returns an empty report that keeps up to show findings.
func NewReport(show int) *Report { return &Report{Money: map[string]Sum{}, show: show} }

// OK reports whether nothing was found.
func (r *Report) OK() bool { return r.Count == 0 }

// Add adds a finding.
func (r *Report) Add(key, format string, args ...any) {
	if r.Count++; r.Count <= r.show {
		r.Findings = append(r.Findings, Finding{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}
