package transport

import (
	"context"
	"net/http"

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

// openPlace counts a connection of the process and of its address until release is called.
func (h *Handler) openPlace(ctx context.Context) (release func(), status int, err error) {
	if !h.streams.tryTake() {
		h.metrics.countLimited(limitProcess)
		return nil, http.StatusServiceUnavailable, apierror.New(apierror.Unavailable, "too many connections")
	}
	releaseAddress, err := h.host.OpenFromAddress(ctx)
	if err != nil {
		h.streams.free()
		h.metrics.countLimited(limitAddress)
		return nil, http.StatusTooManyRequests, err
	}
	return func() {
		releaseAddress()
		h.streams.free()
	}, 0, nil
}

// openStream counts a stream of ctx's viewer until release is called. An error refuses it: guests and those who are not signed in may
// not fill all slots.
func (h *Handler) openStream(ctx context.Context) (release func(), err error) {
	if h.host.Proven(ctx) {
		release, err = h.host.OpenForUser(ctx)
		if err != nil {
			h.metrics.countLimited(limitUser)
		}
		return release, err
	}
	if !h.strange.tryTake() {
		h.metrics.countLimited(limitAnonymous)
		return func() {}, apierror.New(apierror.RateLimited, "too many connections that are not signed in; try again later")
	}
	return h.strange.free, nil
}

func (s slots) free() { <-s }
