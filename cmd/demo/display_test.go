package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]`)

func cellsOf(s Section) string { return escapes.ReplaceAllString(bar(s, barWidth), "") }

func TestABarShowsWhateverThereIs(t *testing.T) {
	for _, s := range []Section{
		{Capacity: 100, Available: 100},
		{Capacity: 100, Sold: 100},
		{Capacity: 3, Sold: 1, Reserved: 1, Available: 1},
		{Capacity: 1000, Sold: 998, Reserved: 1, Available: 1},
		{Capacity: 1000, Sold: 1, Reserved: 998, Available: 1},
		{Capacity: 7, Sold: 4, Reserved: 3},
		{},
	} {
		drawn := cellsOf(s)
		assert.Equal(t, barWidth, utf8.RuneCountInString(drawn), "%+v", s)
		assert.Equal(t, s.Sold > 0, strings.Contains(drawn, soldCell), "%+v", s)
		assert.Equal(t, s.Reserved > 0, strings.Contains(drawn, heldCell), "%+v", s)
		if s.Capacity > 0 {
			assert.Equal(t, s.Available > 0, strings.Contains(drawn, freeCell), "%+v", s)
		}
	}
}

// busy is a board on which everything happened at once, with numbers as large as they get.
func busy() *Board {
	now := time.Date(2026, 11, 1, 20, 0, 0, 0, time.UTC)
	b := NewBoard(func() time.Time { return now })
	b.Phase("on sale")
	b.Note("try again in a moment", time.Minute)
	b.Sections([]Section{{Name: floor, Capacity: 9000, Available: 3000, Reserved: 3000, Sold: 3000}, {Name: balcony, Capacity: 10, Sold: 10}})
	b.Come(1000)
	for st := range stages {
		b.Move(ToCome, st)
	}
	b.Authenticated()
	for range 500 {
		b.Reserved()
	}
	for i := range 100 {
		b.Answered("reserveSeats", time.Duration(i+1)*time.Millisecond)
		b.Answered("processPayment", time.Second)
	}
	b.Refused("SEAT_UNAVAILABLE")
	b.Refused("INSUFFICIENT_INVENTORY")
	b.Feed(1)
	b.State()
	now = now.Add(30 * time.Second)
	return b
}

func TestAPanelFitsEightyColumns(t *testing.T) {
	for _, drawn := range panel(busy().Snapshot()) {
		plain := escapes.ReplaceAllString(drawn, "")
		assert.LessOrEqual(t, utf8.RuneCountInString(plain), 80, plain)
	}
}

func TestABoardCounts(t *testing.T) {
	s := busy().Snapshot()
	assert.Equal(t, 500, s.Reserved)
	assert.Equal(t, 500, s.Peak)
	assert.Zero(t, s.PerSecond)
	assert.Equal(t, Latency{P50: 50 * time.Millisecond, P99: 99 * time.Millisecond}, s.Latencies["reserveSeats"])
	assert.Equal(t, 1000-(int(stages)-1), s.Stages[ToCome])
	assert.Equal(t, floor, busy().Best().Name)
}

func TestWithoutATerminalThereAreOnlyLines(t *testing.T) {
	var out strings.Builder
	d := NewDisplay(&out, false, busy())
	d.Say("hello")
	d.draw()
	d.draw()
	assert.NotContains(t, out.String(), "\x1b")
	assert.Equal(t, 3, strings.Count(out.String(), "\n"))
	assert.Contains(t, out.String(), "Floor 3000 sold 3000 reserved 3000 left")
}

func TestAPanelIsDrawnOverTheLastOne(t *testing.T) {
	var out strings.Builder
	d := NewDisplay(&out, true, busy())
	d.draw()
	height := d.drawn
	assert.Equal(t, height, strings.Count(out.String(), "\n"))
	out.Reset()
	d.Say("hello")
	assert.True(t, strings.HasPrefix(out.String(), "\x1b["+strconv.Itoa(height)+"A\x1b[Jhello\n"), "%q", out.String())
	d.Stop() // never started
}
