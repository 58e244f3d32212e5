package stripetest

import (
	"context"
	"net/http"
)

// Fault is what goes wrong with one request.
type Fault struct {
	On         string // the beginning of "METHOD /path", or the end of the path: "POST /v1/refunds", "/confirm"
	Status     int    // answered at once, and nothing done
	Code       string // with Status
	Kept       bool   // with Status: the idempotency key is answered so from now on
	LoseAnswer bool   // it is done, and the connection ends

	arrived chan struct{}
	hold    chan struct{} // the request waits for it before it is looked at
	answer  chan struct{} // the answer waits for it
}

// Inject has the next request that it is meant for go wrong so.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Hold has the next such request wait before it is looked at. arrived is closed when it is there; release lets it go on.
func (s *Server) Hold(on string) (arrived <-chan struct{}, release func()) {
	f := Fault{On: on, arrived: make(chan struct{}), hold: make(chan struct{})}
	s.Inject(f)
	return f.arrived, func() { close(f.hold) }
}

// HoldAnswer has the next such request be done and its answer wait. done is closed when it is done; release sends the answer.
func (s *Server) HoldAnswer(on string) (done <-chan struct{}, release func()) {
	f := Fault{On: on, arrived: make(chan struct{}), answer: make(chan struct{})}
	s.Inject(f)
	return f.arrived, func() { close(f.answer) }
}

// Down makes the server hang up on everybody until Heal.
func (s *Server) Down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

// Heal ends Down and forgets the faults that have not come to pass.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.faults = false, nil
}

func (f *Fault) before(ctx context.Context) {
	if f == nil || f.hold == nil {
		return
	}
	close(f.arrived)
	wait(ctx, f.hold)
}

func (f *Fault) after(ctx context.Context) {
	if f == nil || f.answer == nil {
		return
	}
	close(f.arrived)
	wait(ctx, f.answer)
}

func wait(ctx context.Context, c <-chan struct{}) {
	select {
	case <-c:
	case <-ctx.Done():
	}
}

func (f *Fault) errorType() string {
	if f.Status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}
