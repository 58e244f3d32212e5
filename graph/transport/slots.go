package transport

import (
	"context"

	"ticketing/graph/apierror"
)

// slots bounds the number of streams at a time.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// tryTake returns false when all slots are taken.
func (s slots) tryTake() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

// openStream counts a stream of ctx's viewer until release is called. An error refuses it: those who are not signed in may not fill all
// slots.
func (h *Handler) openStream(ctx context.Context) (release func(), err error) {
	if h.host.SignedIn(ctx) {
		return h.host.OpenForUser(ctx)
	}
	if !h.strange.tryTake() {
		return func() {}, apierror.New(apierror.RateLimited, "too many connections that are not signed in; try again later")
	}
	return h.strange.free, nil
}

func (s slots) free() { <-s }
