package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Display shows a board: on a terminal as a panel that is redrawn in place, else as a line a second.
type Display struct {
	out      io.Writer
	terminal bool
	board    *Board

	mu    sync.Mutex
	drawn int // lines of the panel that stand above the cursor
	stop  chan struct{}
	ended chan struct{}
}

// IsTerminal says whether a person watches the file. NO_COLOR and TERM=dumb ask for plain lines.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
}

// NewDisplay answers a display that shows nothing yet but what it is told to Say.
func NewDisplay(out io.Writer, terminal bool, board *Board) *Display {
	return &Display{out: out, terminal: terminal, board: board}
}

// Start shows the board until Stop.
func (d *Display) Start() {
	d.stop, d.ended = make(chan struct{}), make(chan struct{})
	pace := time.Second
	if d.terminal {
		pace = 100 * time.Millisecond
	}
	go func() {
		defer close(d.ended)
		ticker := time.NewTicker(pace)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				d.draw()
			case <-d.stop:
				return
			}
		}
	}()
}

// Stop shows the board a last time, which stays above whatever comes next.
func (d *Display) Stop() {
	if d.stop == nil {
		return
	}
	close(d.stop)
	<-d.ended
	d.stop = nil
	d.draw()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drawn = 0
}

// Say prints a line that stays; the panel moves on below it.
func (d *Display) Say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wipe()
	d.print(fmt.Sprintf(format+"\n", args...))
}

func (d *Display) draw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	snapshot := d.board.Snapshot()
	if !d.terminal {
		d.print(line(snapshot) + "\n")
		return
	}
	lines := panel(snapshot)
	d.wipe()
	// Without wrapping, a narrow window cuts the panel; with it, the cursor would not find back to its top.
	d.print("\x1b[?7l" + strings.Join(lines, "\n") + "\n\x1b[?7h")
	d.drawn = len(lines)
}

// wipe takes the panel away and leaves the cursor where it began.
func (d *Display) wipe() {
	if d.drawn > 0 {
		d.print(fmt.Sprintf("\x1b[%dA\x1b[J", d.drawn))
		d.drawn = 0
	}
}

// print does not mind whether anybody can still read it: what counts is the exit code.
func (d *Display) print(text string) { _, _ = io.WriteString(d.out, text) }

const (
	bold, dim, red, green, yellow = "1", "2", "31", "32", "33"
	soldCell, heldCell, freeCell  = "█", "▓", "░"
	barWidth                      = 32
)

func paint(style, text string) string { return "\x1b[" + style + "m" + text + "\x1b[0m" }

// panel draws a snapshot in at most 80 columns.
func panel(s Snapshot) []string {
	rule := strings.Repeat("─", max(2, 64-utf8.RuneCountInString(s.Phase)))
	lines := []string{paint(bold, fmt.Sprintf("── %s %s %s", s.Phase, rule, clock(s.Elapsed)))}
	for _, section := range s.Sections {
		lines = append(lines, fmt.Sprintf("%-9s%s %s", section.Name, bar(section, barWidth), counts(section)))
	}
	if len(s.Sections) > 0 {
		lines = append(lines, fmt.Sprintf("%-9s%s sold  %s reserved  %s left", "",
			paint(green, soldCell), paint(yellow, heldCell), paint(dim, freeCell)))
	}
	n := s.Stages
	if n != [stages]int{} {
		lines = append(lines,
			fmt.Sprintf("%-16s%s  %s  %s  %s  %s", "customers", stage(s, Paid, green), stage(s, Declined, red), stage(s, Cancelled, ""),
				stage(s, Holding, yellow), stage(s, Expired, "")),
			fmt.Sprintf("%-16s%s  %s  %s  %s  %s", "", stage(s, ToCome, dim), stage(s, Shopping, ""), stage(s, Paying, ""),
				stage(s, SoldOut, ""), stage(s, Failed, red)))
	}
	if s.Reserved > 0 {
		lines = append(lines, fmt.Sprintf("%-16s%d, %d in the last second, %d in the best", "reservations", s.Reserved, s.PerSecond, s.Peak))
	}
	if refusals := refusals(s.Refused); refusals != "" {
		lines = append(lines, fmt.Sprintf("%-16s%s", "refused", refusals))
	}
	for _, operation := range []string{"reserveSeats", "processPayment"} {
		if l, ok := s.Latencies[operation]; ok {
			text := fmt.Sprintf("%-16sp50 %s  p99 %s", operation, millis(l.P50), millis(l.P99))
			if operation == "processPayment" && s.Authenticated > 0 {
				text += fmt.Sprintf("  (%d went by way of their bank)", s.Authenticated)
			}
			lines = append(lines, text)
		}
	}
	if s.States > 0 {
		lines = append(lines, fmt.Sprintf("%-16s%d open, %d states told", "subscriptions", s.Feeds, s.States))
	}
	if s.Note != "" {
		lines = append(lines, paint(yellow, "» "+s.Note))
	}
	return lines
}

// line says the most of a snapshot in one line.
func line(s Snapshot) string {
	parts := []string{clock(s.Elapsed) + "  " + s.Phase}
	for _, section := range s.Sections {
		parts = append(parts, section.Name+" "+counts(section))
	}
	var who []string
	for st, n := range s.Stages {
		if n > 0 {
			who = append(who, fmt.Sprintf("%d %s", n, Stage(st)))
		}
	}
	if len(who) > 0 {
		parts = append(parts, strings.Join(who, ", "))
	}
	if l, ok := s.Latencies["reserveSeats"]; ok {
		parts = append(parts, fmt.Sprintf("%d reservations/s, p50 %s, p99 %s", s.PerSecond, millis(l.P50), millis(l.P99)))
	}
	if s.Note != "" {
		parts = append(parts, s.Note)
	}
	return strings.Join(parts, " | ")
}

// bar draws a section. Whatever there is has a cell, however little it is; the largest part gives or takes what rounding left.
func bar(s Section, width int) string {
	parts := []int{s.Sold, s.Reserved, s.Available}
	cells := make([]int, len(parts))
	largest, sum := len(parts)-1, 0
	for i, part := range parts {
		if part > 0 {
			cells[i] = max(1, part*width/max(1, s.Capacity))
		}
		if part > parts[largest] {
			largest = i
		}
		sum += cells[i]
	}
	cells[largest] = max(0, cells[largest]+width-sum)
	return paint(green, strings.Repeat(soldCell, cells[0])) + paint(yellow, strings.Repeat(heldCell, cells[1])) +
		paint(dim, strings.Repeat(freeCell, cells[2]))
}

func counts(s Section) string {
	return fmt.Sprintf("%d sold %d reserved %d left", s.Sold, s.Reserved, s.Available)
}

func stage(s Snapshot, st Stage, style string) string {
	text := fmt.Sprintf("%d %s", s.Stages[st], st)
	if style == "" || s.Stages[st] == 0 {
		return text
	}
	return paint(style, text)
}

func refusals(refused map[string]int) string {
	var parts []string
	for code, n := range refused {
		parts = append(parts, fmt.Sprintf("%d %s", n, code))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%04.1f", int(d.Minutes()), (d % time.Minute).Truncate(100*time.Millisecond).Seconds())
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
