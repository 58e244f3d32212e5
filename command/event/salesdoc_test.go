package event

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var update = flag.Bool("update", false, "write docs/sales.md")

const salesDoc = "../../docs/sales.md"

// situation is a state of an event with a sales window, and its history.
type situation struct {
	name    string
	history []DomainEvent
}

var situations = []situation{
	{"`DRAFT`", []DomainEvent{createdWithWindow}},
	{"`PUBLISHED`", []DomainEvent{createdWithWindow, published}},
	{"`SALES_OPEN`", []DomainEvent{createdWithWindow, published, open}},
	{"`SALES_CLOSED` by hand", []DomainEvent{createdWithWindow, published, open, shut}},
	{"`SALES_CLOSED` by the clock", []DomainEvent{createdWithWindow, published, open, SalesClosed{Scheduled: true}}},
	{"`CANCELLED`", []DomainEvent{createdWithWindow, published, cancelled}},
	{"`CANCELLED`, was a draft", []DomainEvent{createdWithWindow, cancelled}},
	{"`COMPLETED`", []DomainEvent{createdWithWindow, published, completed}},
}

var phases = []struct {
	name string
	at   time.Time
}{
	{"before the window", opensAt.Add(-time.Hour)},
	{"in the window", opensAt.Add(time.Hour)},
	{"after the window", closesAt.Add(time.Hour)},
	{"once it began", startsAt.Add(time.Hour)},
}

var actions = []struct {
	name    string
	command Command
}{
	{"publishEvent", Publish{}},
	{"openSales", OpenSales{}},
	{"closeSales", CloseSales{}},
	{"updateEvent (a new name)", Update{Name: new("Gig")}},
	{"cancelEvent", Cancel{}},
	{"completeEvent", Complete{}},
	{"deleteDraft", DeleteDraft{}},
}

// unscheduled are states of an event without a sales window.
var unscheduled = []situation{
	{"`PUBLISHED`, no window", []DomainEvent{created, published}},
	{"`SALES_OPEN`, no window", []DomainEvent{created, published, open}},
	{"`SALES_CLOSED` by hand, no window", []DomainEvent{created, published, open, shut}},
}

// edits are the changes of a sales window, and of the start that ends it.
var edits = []struct {
	name string
	edit func(now time.Time) Update
}{
	{"an opening in an hour", func(now time.Time) Update { return Update{SalesOpenAt: new(now.Add(time.Hour))} }},
	{"an opening an hour ago", func(now time.Time) Update { return Update{SalesOpenAt: new(now.Add(-time.Hour))} }},
	{"no opening", func(time.Time) Update { return Update{ClearSalesOpenAt: true} }},
	{"a closing in an hour", func(now time.Time) Update { return Update{SalesCloseAt: new(now.Add(time.Hour))} }},
	{"a closing an hour ago", func(now time.Time) Update { return Update{SalesCloseAt: new(now.Add(-time.Hour))} }},
	{"no closing", func(time.Time) Update { return Update{ClearSalesCloseAt: true} }},
	{"a window that begins in an hour", func(now time.Time) Update {
		return Update{SalesOpenAt: new(now.Add(time.Hour)), SalesCloseAt: new(now.Add(2 * time.Hour))}
	}},
	{"no window", func(time.Time) Update { return Update{ClearSalesOpenAt: true, ClearSalesCloseAt: true} }},
	{"a start a week later", func(time.Time) Update { return Update{StartsAt: new(startsAt.AddDate(0, 0, 7))} }},
	{"a start in an hour", func(now time.Time) Update { return Update{StartsAt: new(now.Add(time.Hour))} }},
}

// creations are sales windows, and starts, of a new event.
var creations = []struct {
	name string
	edit func(c *Create)
}{
	{"no window", func(*Create) {}},
	{"a window that is to come", func(c *Create) { c.SalesOpenAt, c.SalesCloseAt = &opensAt, &closesAt }},
	{"a window that has begun", func(c *Create) { c.SalesOpenAt, c.SalesCloseAt = new(now.Add(-time.Hour)), &closesAt }},
	{"a window that is over", func(c *Create) { c.SalesOpenAt, c.SalesCloseAt = new(now.Add(-2*time.Hour)), new(now.Add(-time.Hour)) }},
	{"a closing and no opening", func(c *Create) { c.SalesCloseAt = &closesAt }},
	{"a closing before the opening", func(c *Create) { c.SalesOpenAt, c.SalesCloseAt = &closesAt, &opensAt }},
	{"a closing after the start", func(c *Create) { c.SalesCloseAt = new(startsAt.Add(time.Hour)) }},
	{"a start that has passed", func(c *Create) { c.StartsAt = now.Add(-time.Hour) }},
}

// TestSalesAsDocumented keeps docs/sales.md what Decide does. `go test ./command/event -update` writes it.
func TestSalesAsDocumented(t *testing.T) {
	var doc strings.Builder
	doc.WriteString(salesIntroduction)
	for _, s := range situations {
		writeSituation(t, &doc, s)
	}
	writeCreations(t, &doc)
	doc.WriteString(editsIntroduction)
	for _, s := range append(situations[:len(situations):len(situations)], unscheduled...) {
		writeEdits(t, &doc, s)
	}
	if *update {
		require.NoError(t, os.WriteFile(salesDoc, []byte(doc.String()), 0o600))
	}
	written, err := os.ReadFile(salesDoc)
	require.NoError(t, err)
	require.Equal(t, string(written), doc.String(), "docs/sales.md is stale: go test ./command/event -update")
}

func writeSituation(t *testing.T, doc *strings.Builder, s situation) {
	t.Helper()
	fmt.Fprintf(doc, "\n### %s\n\n| |", s.name)
	for _, p := range phases {
		fmt.Fprintf(doc, " %s |", p.name)
	}
	doc.WriteString("\n|---|---|---|---|---|\n| seats can be reserved |")
	for _, p := range phases {
		onSale := map[bool]string{true: "yes", false: "no"}[Given(t, s.history...).State().OnSale(p.at)]
		fmt.Fprintf(doc, " %s |", onSale)
	}
	doc.WriteString("\n| the clock |")
	for _, p := range phases {
		fmt.Fprintf(doc, " %s |", clock(t, Given(t, s.history...).At(p.at).State(), p.at))
	}
	for _, a := range actions {
		fmt.Fprintf(doc, "\n| %s |", a.name)
		for _, p := range phases {
			fmt.Fprintf(doc, " %s |", outcomeOf(t, s, a.command, p.at))
		}
	}
	doc.WriteString("\n")
}

// clock says what the sales window does at this moment, after checking that it does it when its deadline says.
func clock(t *testing.T, s State, now time.Time) string {
	t.Helper()
	for name, c := range map[string]Command{"opens sales": scheduledOpen, "closes sales": scheduledClose} {
		decided, err := Decide(s, c, now)
		require.NoError(t, err)
		opens, closes := s.OpensAt(now), s.ClosesAt()
		due := c == scheduledOpen && opens != nil && !opens.After(now) || c == scheduledClose && closes != nil && !closes.After(now)
		require.Equal(t, due, len(decided) > 0, "%s at %s: the deadlines of the saga must say what Decide does", name, now)
		if len(decided) > 0 {
			return name
		}
	}
	return "–"
}

func outcomeOf(t *testing.T, s situation, c Command, now time.Time) string {
	t.Helper()
	before := Given(t, s.history...).State()
	decided, err := Decide(before, c, now)
	if err != nil {
		r, ok := rejection.As(err)
		require.True(t, ok)
		return string(r.Code)
	}
	after := Given(t, append(s.history[:len(s.history):len(s.history)], decided...)...).State()
	switch {
	case after.Deleted:
		return "gone"
	case after.Status == before.Status:
		return "changed"
	}
	return "→ `" + string(after.Status) + "`"
}

func writeCreations(t *testing.T, doc *strings.Builder) {
	t.Helper()
	doc.WriteString("\n## Creating an event\n\n| createEvent with | |\n|---|---|\n")
	for _, c := range creations {
		create := concert
		c.edit(&create)
		fmt.Fprintf(doc, "| %s | %s |\n", c.name, outcomeOf(t, situation{}, create, now))
	}
}

func writeEdits(t *testing.T, doc *strings.Builder, s situation) {
	t.Helper()
	fmt.Fprintf(doc, "\n### %s\n\n", s.name)
	var table strings.Builder
	different := map[string]bool{}
	for _, e := range edits {
		fmt.Fprintf(&table, "| %s |", e.name)
		for _, p := range phases {
			outcome := salesAfter(t, s, e.edit(p.at), p.at)
			fmt.Fprintf(&table, " %s |", outcome)
			different[outcome] = true
		}
		table.WriteString("\n")
	}
	if len(different) == 1 {
		fmt.Fprintf(doc, "%s, always.\n", slices.Collect(maps.Keys(different))[0])
		return
	}
	doc.WriteString("| updateEvent sets |")
	for _, p := range phases {
		fmt.Fprintf(doc, " %s |", p.name)
	}
	doc.WriteString("\n|---|---|---|---|---|\n" + table.String())
}

// salesAfter says what an edit does to sales, or the code with which it is refused.
func salesAfter(t *testing.T, s situation, edit Update, now time.Time) string {
	t.Helper()
	decided, err := Decide(Given(t, s.history...).State(), edit, now)
	if refused, ok := rejection.As(err); ok {
		return string(refused.Code)
	}
	require.NoError(t, err)
	return consequence(Given(t, append(s.history[:len(s.history):len(s.history)], decided...)...).State(), now)
}

// consequence says what happens to sales after an edit.
func consequence(s State, now time.Time) string {
	opens, closes := s.OpensAt(now), s.ClosesAt()
	switch over := closes != nil && !closes.After(now); {
	case s.Status == Draft:
		return "still a draft"
	case over && s.Status == SalesShut:
		return "closed"
	case over:
		return "closed at once"
	case s.Status == SalesOpen && s.SalesCloseAt == nil:
		return "open until the start"
	case s.Status == SalesOpen:
		return "open until the closing"
	case opens == nil:
		return "closed until `openSales`"
	case opens.After(now):
		return "open at the opening"
	}
	return "open at once"
}

const editsIntroduction = `
## Changing the window

What sales are after ` + "`updateEvent`" + `. The hour is counted from the moment of the change; "the start" is the event's.
`

const salesIntroduction = `# Sales: by hand and by the clock

Made from a test of the rules (` + "`go test ./command/event -update`" + `): do not edit.

An event may have a sales window, ` + "`salesOpenAt`" + ` to ` + "`salesCloseAt`" + `. The clock then opens and closes sales, and the status follows within
seconds; whether seats can be reserved never waits for it. Without ` + "`salesCloseAt`" + ` sales end when the event starts (` + "`startsAt`" + `).

- Who acts by hand wins: sales that were closed by hand stay closed until ` + "`openSales`" + `, or until ` + "`salesOpenAt`" + ` is set to another time.
- Sales that the clock closed open again when their end moves into the future.
- ` + "`updateEvent`" + ` with ` + "`null`" + ` for ` + "`salesOpenAt` or `salesCloseAt`" + ` takes that end of the window away. Taking an opening away opens nothing.
- Sales that are open are closed by ` + "`closeSales`" + ` or at their end only: a later ` + "`salesOpenAt`" + ` does not interrupt them.

## What each mutation does

The event below has a window that ends before it starts. "→" is the status that follows, "changed" keeps the status; others are the codes of
` + "`userErrors`" + `.
`
