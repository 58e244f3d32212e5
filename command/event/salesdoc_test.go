package event

import (
	"flag"
	"fmt"
	"os"
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

// edits are the changes of a sales window that organizers ask about.
var edits = []struct {
	from  int // index of the situation
	phase int
	name  string
	edit  Update
}{
	{1, 0, "a later opening", Update{SalesOpenAt: new(opensAt.AddDate(0, 0, 2))}},
	{1, 0, "an opening that has passed", Update{SalesOpenAt: new(opensAt.AddDate(0, 0, -2))}},
	{1, 0, "no opening", Update{ClearSalesOpenAt: true}},
	{1, 0, "no window", Update{ClearSalesOpenAt: true, ClearSalesCloseAt: true}},
	{1, 2, "a later closing", Update{SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{2, 1, "a later opening", Update{SalesOpenAt: new(opensAt.AddDate(0, 0, 2))}},
	{2, 1, "a later closing", Update{SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{2, 1, "no closing", Update{ClearSalesCloseAt: true}},
	{2, 1, "no window", Update{ClearSalesOpenAt: true, ClearSalesCloseAt: true}},
	{3, 1, "a later opening (a second phase)", Update{SalesOpenAt: new(opensAt.AddDate(0, 0, 2))}},
	{3, 1, "a later closing", Update{SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{3, 2, "a later closing", Update{SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{3, 2, "a later window (a second phase)", Update{SalesOpenAt: new(closesAt.AddDate(0, 0, 2)), SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{3, 1, "no window", Update{ClearSalesOpenAt: true, ClearSalesCloseAt: true}},
	{4, 2, "a later closing", Update{SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{4, 2, "no closing", Update{ClearSalesCloseAt: true}},
	{4, 2, "a later window (a second phase)", Update{SalesOpenAt: new(closesAt.AddDate(0, 0, 2)), SalesCloseAt: new(closesAt.AddDate(0, 0, 7))}},
	{4, 2, "no window", Update{ClearSalesOpenAt: true, ClearSalesCloseAt: true}},
}

// TestSalesAsDocumented keeps docs/sales.md what Decide does. `go test ./command/event -update` writes it.
func TestSalesAsDocumented(t *testing.T) {
	var doc strings.Builder
	doc.WriteString(salesIntroduction)
	for _, s := range situations {
		writeSituation(t, &doc, s)
	}
	writeEdits(t, &doc)
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

func writeEdits(t *testing.T, doc *strings.Builder) {
	t.Helper()
	doc.WriteString("\n## Changing the window\n\n| state | when | updateEvent sets | then |\n|---|---|---|---|\n")
	for _, e := range edits {
		s, p := situations[e.from], phases[e.phase]
		after := Given(t, s.history...).At(p.at).When(e.edit).ThenAccepted().State()
		fmt.Fprintf(doc, "| %s | %s | %s | %s |\n", s.name, p.name, e.name, consequence(after, p.at))
	}
}

// consequence says what the window does after an edit.
func consequence(s State, now time.Time) string {
	opens := s.OpensAt(now)
	switch {
	case s.Status == SalesOpen && s.SalesCloseAt == nil:
		return "sales go on until the event starts"
	case s.Status == SalesOpen:
		return "sales go on until the closing"
	case opens == nil:
		return "sales stay closed until `openSales`"
	case opens.After(now):
		return "sales open at the opening"
	}
	return "sales open at once"
}

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
