package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
	"ticketing/internal/wait"
)

// board has what has happened so far. Customers write to it, and it draws itself: on a terminal as a panel that is redrawn in place, otherwise
// as a line a second.
type board struct {
	out      io.Writer
	terminal bool
	began    time.Time
	drawn    int // lines of the panel above the cursor

	mu              sync.Mutex
	phase           string
	sections        []api.Section
	stages          map[stage]int
	outcomes        map[string]int
	latencies       map[string][]time.Duration
	streams, states int
}

func newBoard(out io.Writer, terminal bool) *board {
	b := &board{out: out, terminal: terminal, began: time.Now(), latencies: map[string][]time.Duration{}}
	b.stages, b.outcomes = map[stage]int{}, map[string]int{}
	return b
}

// isTerminal reports whether a panel can be drawn. NO_COLOR and TERM=dumb ask for plain lines.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
}

func (b *board) update(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *board) setPhase(name string) { b.update(func() { b.phase = name }) }

// addOutcome counts a success, or the code of a rejection.
func (b *board) addOutcome(success string, err error) {
	if err != nil {
		success = ticketing.CodeOf(err)
	}
	b.update(func() { b.outcomes[success]++ })
}

func (b *board) addLatency(operation string, took time.Duration) {
	b.update(func() { b.latencies[operation] = append(b.latencies[operation], took) })
}

// emptiestSection returns the section with most tickets left, as far as the subscription has said.
func (b *board) emptiestSection() (best api.Section) {
	b.update(func() {
		best = slices.MaxFunc(append([]api.Section{{}}, b.sections...), func(x, y api.Section) int { return x.Available - y.Available })
	})
	return best
}

// show draws the board until ctx ends, and a last time then.
func (b *board) show(ctx context.Context) {
	pace := time.Second
	if b.terminal {
		pace = 100 * time.Millisecond
	}
	for err := error(nil); err == nil; b.draw() {
		err = wait.For(ctx, pace)
	}
}

func (b *board) draw() {
	lines := b.drawLines()
	if !b.terminal {
		fmt.Fprintln(b.out, strings.Join(strings.Fields(strings.Join(lines, " | ")), " "))
		return
	}
	// Without wrapping, a narrow window cuts the panel; with it, the cursor would not find back to the top.
	fmt.Fprintf(b.out, "%s\x1b[J\x1b[?7l%s\n\x1b[?7h", strings.Repeat("\x1b[A", b.drawn), strings.Join(lines, "\n"))
	b.drawn = len(lines)
}

// drawLines draws the board in at most 80 columns.
func (b *board) drawLines() (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := func(name, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-16s", name)+fmt.Sprintf(format, args...))
	}
	row(fmt.Sprintf("%.1f s", time.Since(b.began).Seconds()), "%s", b.phase)
	for _, s := range b.sections {
		row(s.Name, "%s%d sold %d reserved %d left", b.drawBar(s), s.Sold, s.Reserved, s.Available)
	}
	if len(b.sections) > 0 {
		row("customers", "%s", b.drawStages(paid, declined, cancelled, holding, expired))
		row("", "%s", b.drawStages(toCome, shopping, secondChoice, paying, soldOut, failed))
		row("subscriptions", "%d open, %d states received", b.streams, b.states)
	}
	for _, operation := range []string{"ReserveSeats", "ProcessPayment"} {
		if all := slices.Sorted(slices.Values(b.latencies[operation])); len(all) > 0 {
			at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100].Round(100 * time.Microsecond) }
			row(operation, "%d, p50 %s p99 %s", len(all), at(50), at(99))
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(b.outcomes)) {
		row("", "%d %s", b.outcomes[outcome], outcome)
	}
	return lines
}

// drawBar draws a section: sold in green, reserved in yellow, with at least one cell if there are such tickets.
func (b *board) drawBar(s api.Section) string {
	if !b.terminal {
		return ""
	}
	const width = 28
	cells := func(tickets int) int { return (tickets*(width-1) + s.Capacity - 1) / max(1, s.Capacity) }
	sold, reserved := cells(s.Sold), min(width-cells(s.Sold), cells(s.Reserved))
	return "\x1b[32m" + strings.Repeat("█", sold) + "\x1b[33m" + strings.Repeat("▓", reserved) + "\x1b[0m" + strings.Repeat("░", width-sold-reserved) + " "
}

func (b *board) drawStages(all ...stage) string {
	parts := make([]string, len(all))
	for i, at := range all {
		parts[i] = fmt.Sprintf("%d %s", b.stages[at], at)
	}
	return strings.Join(parts, "  ")
}
