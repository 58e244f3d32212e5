// Package scenario lets the test of an aggregate read as the rule that it holds:
//
//	Given(t, onSale, held("A-1", alice)).When(Reserve{Seats: seats("A-1"), Customer: bob}).ThenRejected(SeatUnavailable)
//
// Whatever the rule is, each scenario also holds the aggregate to being pure: deciding leaves the state as it was, decides the same
// when asked again, and answers only what Evolve takes.
package scenario

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// Now is the time at which commands are decided unless At says otherwise.
var Now = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC)

// T is what a scenario needs of *testing.T, and what *rapid.T has too.
type T interface {
	require.TestingT
	Helper()
}

// Decide is the shape of an aggregate's deciding function: S is its state, C its commands, E its domain events.
type Decide[S, C, E any] func(S, C, time.Time) ([]E, error)

// Evolve is the shape of an aggregate's folding function.
type Evolve[S, E any] func(S, E) S

// Past is an aggregate to which something has happened.
type Past[S, C, E any] struct {
	t       T
	decide  Decide[S, C, E]
	evolve  Evolve[S, E]
	history []E
	now     time.Time
}

// Given starts a scenario with the domain events that have happened, oldest first.
func Given[S, C, E any](t T, decide Decide[S, C, E], evolve Evolve[S, E], history ...E) Past[S, C, E] {
	return Past[S, C, E]{t: t, decide: decide, evolve: evolve, history: history, now: Now}
}

// At sets the time at which the command is decided.
func (p Past[S, C, E]) At(now time.Time) Past[S, C, E] {
	p.now = now
	return p
}

// State answers what the history made.
func (p Past[S, C, E]) State() S {
	var state S
	for _, e := range p.history {
		state = p.evolve(state, e)
	}
	return state
}

// When decides the command.
func (p Past[S, C, E]) When(command C) Outcome[S, C, E] {
	p.t.Helper()
	state, untouched := p.State(), p.State()
	before := encode(p.t, state)
	decided, err := p.decide(state, command, p.now)
	require.Equal(p.t, untouched, state, "deciding %T changed the state", command)
	require.Equal(p.t, before, encode(p.t, state), "deciding %T changed the state", command)

	again, errAgain := p.decide(state, command, p.now)
	require.Equal(p.t, decided, again, "deciding %T twice", command)
	require.Equal(p.t, err, errAgain, "deciding %T twice", command)
	if err != nil {
		require.Empty(p.t, decided, "%T is rejected and yet leads to domain events", command)
	}
	return Outcome[S, C, E]{past: p, command: command, decided: decided, err: err}
}

// encode sees through pointers, maps and slices which two states share.
func encode(t T, state any) string {
	data, err := json.Marshal(state)
	require.NoError(t, err)
	return string(data)
}

// Outcome is what a command led to.
type Outcome[S, C, E any] struct {
	past    Past[S, C, E]
	command C
	decided []E
	err     error
}

// Then demands exactly these domain events.
func (o Outcome[S, C, E]) Then(want ...E) Outcome[S, C, E] {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	require.Equal(o.past.t, want, o.decided)
	return o
}

// ThenNothing demands that the command is accepted and changes nothing: it came twice, late or too early.
func (o Outcome[S, C, E]) ThenNothing() {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	require.Empty(o.past.t, o.decided)
}

// ThenRejected demands a rejection with this code that blames the input field at this path; no path means no single field.
func (o Outcome[S, C, E]) ThenRejected(code rejection.Code, field ...string) {
	o.past.t.Helper()
	require.Error(o.past.t, o.err, "accepted with %+v", o.decided)
	r, ok := rejection.As(o.err)
	require.True(o.past.t, ok, "%v is no rejection", o.err)
	require.Equal(o.past.t, code, r.Code, r.Message)
	require.Equal(o.past.t, field, r.Field, r.Message)
	require.NotEmpty(o.past.t, r.Message)
}

// ThenAccepted demands that the command leads to something, and leaves it to State or And to say what.
func (o Outcome[S, C, E]) ThenAccepted() Outcome[S, C, E] {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	require.NotEmpty(o.past.t, o.decided, "%T changes nothing", o.command)
	return o
}

// And goes on from what the command has made, at the same time.
func (o Outcome[S, C, E]) And() Past[S, C, E] {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	next := o.past
	next.history = append(next.history[:len(next.history):len(next.history)], o.decided...)
	return next
}

// State answers what the command has made.
func (o Outcome[S, C, E]) State() S {
	o.past.t.Helper()
	return o.And().State()
}
