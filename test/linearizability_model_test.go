package test

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// The event of the linearizability test is small, so that all customers want the same: five numbered seats and three standing places.
const (
	stallSeats   = 5
	floorPlaces  = 3
	mostRequests = 512
)

var stalls = [stallSeats]string{"A-1", "A-2", "A-3", "B-1", "B-2"}

// seatSet is a set of numbered seats.
type seatSet uint8

func (s seatSet) labels() []string {
	var labels []string
	for i, label := range stalls {
		if s&(1<<i) != 0 {
			labels = append(labels, label)
		}
	}
	return labels
}

func (s seatSet) count() int { return bits.OnesCount8(uint8(s)) }

// request is one of four: reserve named seats, the best seats, or standing places; cancel an earlier reservation.
type request struct {
	named seatSet
	best  int
	floor int

	cancels bool
	number  int    // of the reservation: each request has its own
	given   answer // what is cancelled
}

// answer is the outcome that a client received.
type answer struct {
	code  string // of the rejection; empty: accepted
	lost  bool   // there was no response
	seats seatSet
	floor int
}

// hall is the state of the sequential model.
type hall struct {
	taken  seatSet
	floor  int // places that are taken
	active [mostRequests / 64]uint64
}

func (h hall) isActive(number int) bool { return h.active[number/64]&(1<<(number%64)) != 0 }

// accept returns the state after a request that was accepted with this answer; false: the model would not accept it.
func (h hall) accept(r request, a answer) (hall, bool) {
	if a.seats&h.taken != 0 || a.seats&r.named != r.named || a.seats.count() != r.named.count()+r.best || a.floor != r.floor ||
		h.floor+a.floor > floorPlaces {
		return h, false
	}
	h.taken |= a.seats
	h.floor += a.floor
	h.active[r.number/64] |= 1 << (r.number % 64)
	return h, true
}

func (h hall) release(r request) (hall, bool) {
	if !h.isActive(r.number) {
		return h, false
	}
	h.taken &^= r.given.seats
	h.floor -= r.given.floor
	h.active[r.number/64] &^= 1 << (r.number % 64)
	return h, true
}

// rejects reports whether a request must be rejected with that code.
func (h hall) rejects(r request, code string) bool {
	switch {
	case r.cancels:
		return code == "INVALID_STATE" && !h.isActive(r.number)
	case h.taken&r.named != 0:
		return code == "SEAT_UNAVAILABLE"
	case (h.taken|r.named).count()+r.best > stallSeats, h.floor+r.floor > floorPlaces:
		return code == "INSUFFICIENT_INVENTORY"
	}
	return false
}

// nextStates returns the states that a request and its answer can lead to. A request whose answer is lost was executed in any way that was
// possible, or not at all.
func (h hall) nextStates(r request, a answer) []hall {
	if a.lost {
		return append(h.anyOutcome(r), h)
	}
	if a.code != "" {
		if h.rejects(r, a.code) {
			return []hall{h}
		}
		return nil
	}
	act := h.accept
	if r.cancels {
		act = func(r request, _ answer) (hall, bool) { return h.release(r) }
	}
	if next, ok := act(r, a); ok {
		return []hall{next}
	}
	return nil
}

func (h hall) anyOutcome(r request) (states []hall) {
	if r.cancels {
		if next, ok := h.release(r); ok {
			states = append(states, next)
		}
		return states
	}
	for seats := range seatSet(1 << stallSeats) {
		if next, ok := h.accept(r, answer{seats: seats, floor: r.floor}); ok {
			states = append(states, next)
		}
	}
	return states
}

// linearizable reports whether the model has the same outcomes in some order of the requests, each executed between the time at which it
// was sent and the time of its answer.
func linearizable(t testing.TB, history []porcupine.Operation) bool {
	t.Helper()
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{hall{}} },
		Step: func(state, input, output any) []any {
			var states []any
			for _, next := range state.(hall).nextStates(input.(request), output.(answer)) {
				states = append(states, next)
			}
			return states
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v → %v", input, output) },
	}
	result := porcupine.CheckOperationsTimeout(model.ToModel(), history, time.Minute)
	require.NotEqual(t, porcupine.Unknown, result, "the history is too long to be checked")
	return result == porcupine.Ok
}

func (r request) String() string {
	if r.cancels {
		return fmt.Sprintf("cancel %d", r.number)
	}
	return fmt.Sprintf("reserve %d: %s, %d best, %d floor", r.number, strings.Join(r.named.labels(), " "), r.best, r.floor)
}

func (a answer) String() string {
	switch {
	case a.lost:
		return "?"
	case a.code != "":
		return a.code
	}
	return fmt.Sprintf("%s, %d floor", strings.Join(a.seats.labels(), " "), a.floor)
}

func TestTheCheckerFindsABadHistory(t *testing.T) {
	t.Parallel()
	const a1, a2 = seatSet(1), seatSet(2)
	did := func(call, end int64, r request, a answer) porcupine.Operation {
		return porcupine.Operation{Call: call, Return: end, Input: r, Output: a}
	}
	alice, bob := request{named: a1, number: 1}, request{named: a1, number: 2}
	all := request{best: 5, number: 3}
	given := answer{seats: a1}
	cancel := request{cancels: true, number: 1, given: given}
	for name, c := range map[string]struct {
		good    bool
		history []porcupine.Operation
	}{
		"one after another":              {true, []porcupine.Operation{did(1, 2, alice, given), did(3, 4, bob, answer{code: "SEAT_UNAVAILABLE"})}},
		"a seat with two holders":        {false, []porcupine.Operation{did(1, 9, alice, given), did(2, 8, bob, given)}},
		"refused before it was taken":    {false, []porcupine.Operation{did(1, 2, bob, answer{code: "SEAT_UNAVAILABLE"}), did(3, 4, alice, given)}},
		"refused while it was taken":     {true, []porcupine.Operation{did(1, 4, bob, answer{code: "SEAT_UNAVAILABLE"}), did(3, 5, alice, given)}},
		"refused from a stale state":     {false, []porcupine.Operation{did(1, 2, alice, given), did(3, 4, cancel, answer{}), did(5, 6, all, answer{code: "INSUFFICIENT_INVENTORY"})}},
		"given again":                    {true, []porcupine.Operation{did(1, 2, alice, given), did(3, 4, cancel, answer{}), did(5, 6, all, answer{seats: 31})}},
		"given before it was given back": {false, []porcupine.Operation{did(1, 2, alice, given), did(3, 4, bob, given), did(5, 6, cancel, answer{})}},
		"cancelled twice":                {false, []porcupine.Operation{did(1, 2, alice, given), did(3, 4, cancel, answer{}), did(5, 6, cancel, answer{})}},
		"another seat than was named":    {false, []porcupine.Operation{did(1, 2, alice, answer{seats: a2})}},
		"more than were asked for":       {false, []porcupine.Operation{did(1, 2, request{best: 1, number: 1}, answer{seats: a1 | a2})}},
		"a lost answer, carried out":     {true, []porcupine.Operation{did(1, 99, alice, answer{lost: true}), did(3, 4, bob, answer{code: "SEAT_UNAVAILABLE"})}},
		"a lost answer, not carried out": {true, []porcupine.Operation{did(1, 99, alice, answer{lost: true}), did(3, 4, bob, given)}},
		"a lost answer explains not all": {false, []porcupine.Operation{did(1, 99, alice, answer{lost: true}), did(3, 4, bob, given), did(5, 6, all, given)}},
	} {
		require.Equal(t, c.good, linearizable(t, c.history), name)
	}
}
