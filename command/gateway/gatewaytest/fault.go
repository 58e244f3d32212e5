package gatewaytest

import (
	"context"
	"strings"
)

// Fault is what goes wrong with one request.
type Fault struct {
	On         string // the beginning of "METHOD /path" or the end of the path: "POST /v1/refunds", "/confirm"
	Status     int    // of the answer; the request is not handled
	Code       string // the error's code, with Status
	Kept       bool   // with Status: Stripe's double repeats the error for the idempotency key
	LoseAnswer bool   // the request is handled, and the connection ends

	reached chan struct{} // closed when the request waits
	request chan struct{} // the request waits for it before it is handled
	answer  chan struct{} // the answer waits for it
}

// Inject makes the next request that f is for go wrong.
func (s *Server) Inject(f Fault) {
	s.Lock()
	defer s.Unlock()
	s.faults = append(s.faults, f)
}

// WentWrong returns how many requests went wrong because of Inject, or were held.
func (s *Server) WentWrong() int {
	s.Lock()
	defer s.Unlock()
	return s.wentWrong
}

// Hold makes the next request that on describes wait before it is handled. arrived is closed when it waits; release lets it go on.
func (s *Server) Hold(on string) (arrived <-chan struct{}, release func()) {
	f := Fault{On: on, reached: make(chan struct{}), request: make(chan struct{})}
	s.Inject(f)
	return f.reached, func() { close(f.request) }
}

// HoldAnswer handles the next request that on describes and makes its answer wait. done is closed when it is handled; release sends
// the answer.
func (s *Server) HoldAnswer(on string) (done <-chan struct{}, release func()) {
	f := Fault{On: on, reached: make(chan struct{}), answer: make(chan struct{})}
	s.Inject(f)
	return f.reached, func() { close(f.answer) }
}

// Down makes the server end every connection without an answer, until Heal.
func (s *Server) Down() {
	s.Lock()
	defer s.Unlock()
	s.down = true
}

// Heal ends Down and drops the faults that have not happened yet.
func (s *Server) Heal() {
	s.Lock()
	defer s.Unlock()
	s.down, s.faults = false, nil
}

func (f Fault) isFor(c Call) bool {
	return strings.HasPrefix(c.Method+" "+c.Path, f.On) || strings.HasSuffix(c.Path, f.On)
}

func (f Fault) holdRequest(ctx context.Context) { f.awaitRelease(ctx, f.request) }

func (f Fault) holdAnswer(ctx context.Context) { f.awaitRelease(ctx, f.answer) }

func (f Fault) awaitRelease(ctx context.Context, release <-chan struct{}) {
	if release == nil {
		return
	}
	close(f.reached)
	select {
	case <-release:
	case <-ctx.Done():
	}
}
