package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Stage is how far a customer came.
type Stage int

// The stages. From paid on they are ends.
const (
	ToCome Stage = iota
	Shopping
	Paying
	Paid
	Declined
	Cancelled
	Holding // walked away without paying
	Expired
	SoldOut // got no tickets
	Failed  // met an error that the demo does not know how to handle
	stages
)

var stageNames = [stages]string{
	"to come", "shopping", "paying", "paid", "declined", "cancelled", "holding", "expired", "without tickets", "failed",
}

// String answers what a person would call it.
func (s Stage) String() string { return stageNames[s] }

// Board is where everybody notes what happens, and where the display reads it. It is safe for concurrent use.
type Board struct {
	mu            sync.Mutex
	now           func() time.Time
	began         time.Time
	phase         string
	note          string
	noteUntil     time.Time
	sections      []Section
	stages        [stages]int
	authenticated int
	refused       map[string]int
	reserved      []time.Time
	peak          int
	latencies     map[string][]time.Duration
	feeds, states int
}

// NewBoard answers an empty board.
func NewBoard(now func() time.Time) *Board {
	return &Board{now: now, began: now(), refused: map[string]int{}, latencies: map[string][]time.Duration{}}
}

// Phase begins a chapter of the story.
func (b *Board) Phase(name string) { b.do(func() { b.phase, b.noteUntil = name, time.Time{} }) }

// Note shows something that is waited for, and how long still.
func (b *Board) Note(text string, d time.Duration) {
	b.do(func() { b.note, b.noteUntil = text, b.now().Add(d) })
}

// Sections shows the newest counts.
func (b *Board) Sections(sections []Section) { b.do(func() { b.sections = sections }) }

// Come announces customers.
func (b *Board) Come(n int) { b.do(func() { b.stages[ToCome] += n }) }

// Move notes that a customer came from one stage to another.
func (b *Board) Move(from, to Stage) {
	b.do(func() {
		b.stages[from]--
		b.stages[to]++
	})
}

// Authenticated notes a customer who had to confirm a payment with the bank.
func (b *Board) Authenticated() { b.do(func() { b.authenticated++ }) }

// Refused notes a rejection.
func (b *Board) Refused(code string) { b.do(func() { b.refused[code]++ }) }

// Reserved notes a reservation that was made.
func (b *Board) Reserved() {
	b.do(func() {
		b.reserved = append(b.reserved, b.now())
		b.peak = max(b.peak, b.lastSecond())
	})
}

// Answered notes how long an operation took.
func (b *Board) Answered(operation string, took time.Duration) {
	b.do(func() { b.latencies[operation] = append(b.latencies[operation], took) })
}

// Feed notes that a subscription began (1) or ended (-1), and State that one told something.
func (b *Board) Feed(n int) { b.do(func() { b.feeds += n }) }

// State notes a state that a subscription told.
func (b *Board) State() { b.do(func() { b.states++ }) }

// Best answers the section that has most tickets left, as far as is known.
func (b *Board) Best() (best Section) {
	b.do(func() {
		for _, s := range b.sections {
			if best.Name == "" || s.Available > best.Available {
				best = s
			}
		}
	})
	return best
}

func (b *Board) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *Board) lastSecond() int {
	from := b.now().Add(-time.Second)
	first, _ := slices.BinarySearchFunc(b.reserved, from, time.Time.Compare)
	return len(b.reserved) - first
}

// Snapshot is what the board says at one moment.
type Snapshot struct {
	Elapsed                   time.Duration
	Phase, Note               string
	Sections                  []Section
	Stages                    [stages]int
	Authenticated             int
	Refused                   map[string]int
	Reserved, Peak, PerSecond int
	Latencies                 map[string]Latency
	Feeds, States             int
}

// Latency is how long an operation took, at the median and for the unlucky.
type Latency struct{ P50, P99 time.Duration }

// Snapshot answers what the board says now.
func (b *Board) Snapshot() Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Snapshot{
		Elapsed: b.now().Sub(b.began), Phase: b.phase, Sections: slices.Clone(b.sections), Stages: b.stages,
		Authenticated: b.authenticated, Refused: maps.Clone(b.refused), Reserved: len(b.reserved), Peak: b.peak, PerSecond: b.lastSecond(),
		Latencies: map[string]Latency{}, Feeds: b.feeds, States: b.states,
	}
	if left := b.noteUntil.Sub(b.now()); left > 0 {
		s.Note = fmt.Sprintf("%s (%s)", b.note, left.Round(time.Second))
	}
	for operation, all := range b.latencies {
		s.Latencies[operation] = latency(all)
	}
	return s
}

func latency(all []time.Duration) Latency {
	sorted := slices.Sorted(slices.Values(all))
	at := func(percent int) time.Duration { return sorted[(len(sorted)-1)*percent/100] }
	return Latency{P50: at(50), P99: at(99)}
}
