// Package scenario lets the test of an aggregate read as the rule that it checks:
//
//	Given(t, onSale, held("A-1", alice)).When(Reserve{Seats: seats("A-1"), Customer: bob}).ThenRejected(SeatUnavailable)
//
// Each scenario also checks that the aggregate is pure: Decide leaves the state unchanged, and returns the same when called again.
package scenario

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// Now is the time at which commands are decided by default; see At.
var Now = time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC)

// T is what a scenario needs of *testing.T. *rapid.T has it too.
type T interface {
	require.TestingT
	Helper()
}

// Decide is an aggregate's function of this name. S is its state, C its command and E its domain event.
type Decide[S, C, E any] func(S, C, time.Time) ([]E, error)

// Evolve is an aggregate's function of this name.
type Evolve[S, E any] func(S, E) S

// Past is an aggregate with a history.
type Past[S, C, E any] struct {
	t       T
	decide  Decide[S, C, E]
	evolve  Evolve[S, E]
	history []E
	now     time.Time
}

// Given starts a scenario with a history of domain events, oldest first.
func Given[S, C, E any](t T, decide Decide[S, C, E], evolve Evolve[S, E], history ...E) Past[S, C, E] {
	return Past[S, C, E]{t: t, decide: decide, evolve: evolve, history: history, now: Now}
}

// At sets the time at which commands are decided. Default: Now.
func (p Past[S, C, E]) At(now time.Time) Past[S, C, E] {
	p.now = now
	return p
}

// State returns the state that the history leads to.
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
	before := encodeState(p.t, state)
	decided, err := p.decide(state, command, p.now)
	require.Equal(p.t, untouched, state, "deciding %T changed the state", command)
	require.Equal(p.t, before, encodeState(p.t, state), "deciding %T changed the state", command)

	again, errAgain := p.decide(state, command, p.now)
	require.Equal(p.t, decided, again, "deciding %T twice", command)
	require.Equal(p.t, err, errAgain, "deciding %T twice", command)
	if err != nil {
		require.Empty(p.t, decided, "%T is rejected, but leads to domain events", command)
	}
	return Outcome[S, C, E]{past: p, command: command, decided: decided, err: err}
}

// encodeState shows also changes behind the pointers, maps and slices that two states share.
func encodeState(t T, state any) string {
	data, err := json.Marshal(state)
	require.NoError(t, err)
	return string(data)
}

// Outcome is what Decide returned for a command.
type Outcome[S, C, E any] struct {
	past    Past[S, C, E]
	command C
	decided []E
	err     error
}

// Then requires that the command leads to exactly these domain events.
func (o Outcome[S, C, E]) Then(want ...E) Outcome[S, C, E] {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	require.Equal(o.past.t, want, o.decided)
	return o
}

// ThenNothing requires that the command is accepted and changes nothing, as one that comes twice or late.
func (o Outcome[S, C, E]) ThenNothing() {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	require.Empty(o.past.t, o.decided)
}

// ThenRejected requires a rejection with this code and this path of an input field. No path means that no single field causes it.
func (o Outcome[S, C, E]) ThenRejected(code rejection.Code, field ...string) {
	o.past.t.Helper()
	require.Error(o.past.t, o.err, "accepted with %+v", o.decided)
	r, ok := rejection.As(o.err)
	require.True(o.past.t, ok, "%v is no rejection", o.err)
	require.Equal(o.past.t, code, r.Code, r.Message)
	require.Equal(o.past.t, field, r.Field, r.Message)
	require.NotEmpty(o.past.t, r.Message)
}

// ThenAccepted requires that the command leads to any domain events.
func (o Outcome[S, C, E]) ThenAccepted() Outcome[S, C, E] {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	require.NotEmpty(o.past.t, o.decided, "%T changes nothing", o.command)
	return o
}

// And returns the aggregate with the command's domain events appended to its history, at the same time.
func (o Outcome[S, C, E]) And() Past[S, C, E] {
	o.past.t.Helper()
	require.NoError(o.past.t, o.err)
	next := o.past
	next.history = append(next.history[:len(next.history):len(next.history)], o.decided...)
	return next
}

// State returns the state that the command leads to.
func (o Outcome[S, C, E]) State() S {
	o.past.t.Helper()
	return o.And().State()
}
