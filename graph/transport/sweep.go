package transport

import (
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// sockets are the WebSockets of a handler. One timer looks after all of them.
type sockets struct {
	h *Handler

	mu      sync.Mutex
	open    map[*socket]struct{}
	stopped bool
	sweeps  bool // the timer runs
}

// The bounds of how often sockets are looked at.
const (
	sweepLeast = 10 * time.Millisecond
	sweepMost  = time.Second
)

// sweepEvery is short beside what is measured with it.
func (c Config) sweepEvery() time.Duration {
	const part = 4
	return min(sweepMost, max(sweepLeast, min(c.InitTimeout, c.WriteTimeout, c.KeepAlive, c.AnonymousIdle)/part))
}

var errServerStops = &closeError{websocket.StatusGoingAway, "the server is stopping; connect again"}

func (ss *sockets) addSocket(s *socket) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.open[s] = struct{}{}
	if ss.stopped {
		s.endSocket(errServerStops)
	}
	if !ss.sweeps {
		ss.sweeps = true
		time.AfterFunc(ss.h.cfg.sweepEvery(), ss.sweepAll)
	}
}

func (ss *sockets) removeSocket(s *socket) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.open, s)
}

// stopAll ends all, and those that come later.
func (ss *sockets) stopAll() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.stopped = true
	for s := range ss.open {
		s.endSocket(errServerStops)
	}
}

// sweepAll checks all sockets, and goes on while there are some.
func (ss *sockets) sweepAll() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	now := time.Now()
	for s := range ss.open {
		s.checkSocket(now)
	}
	ss.sweeps = len(ss.open) > 0
	if ss.sweeps {
		time.AfterFunc(ss.h.cfg.sweepEvery(), ss.sweepAll)
	}
}

// pulse is what is known of whether a client is still there. Only sweeps use it.
type pulse struct {
	due   time.Time // when the next ping is sent
	sent  time.Time // when the last one was; zero: its response came
	reads uint32    // of the connection before it
}

var errNoPong = errors.New("the client does not respond to pings")

// checkSocket ends a connection that has taken too long for something, and keeps it alive otherwise. It does not wait.
func (s *socket) checkSocket(now time.Time) {
	defer s.recoverPanic()
	cfg := &s.h.cfg
	if s.pulse.sent.IsZero() && now.After(s.pulse.due) {
		s.pulse = pulse{due: now.Add(cfg.KeepAlive), sent: now, reads: s.wire.reads.Load()}
		s.offerPing()
	} else if s.wire.reads.Load() != s.pulse.reads {
		s.pulse.sent = time.Time{}
	}
	signedIn, idle := s.isSignedIn(), s.isIdle(now)
	switch {
	case !signedIn && now.Sub(s.opened) > cfg.InitTimeout:
		s.h.metrics.countLimited(limitSignIn)
		s.endSocket(&closeError{closeInitTimeout, "Connection initialisation timeout"})
	case idle:
		s.h.metrics.countLimited(limitIdle)
		s.endSocket(&closeError{websocket.StatusNormalClosure, "idle"})
	case !s.pulse.sent.IsZero() && now.Sub(s.pulse.sent) > cfg.WriteTimeout:
		s.endSocket(errNoPong)
	}
}

// offerPing sends a ping, and does not wait. The next sweeps notice if that fails.
func (s *socket) offerPing() {
	ping := []byte{finalPing, 0}
	if rest, err := s.wire.offerFrame(ping); err == nil && len(rest) > 0 {
		go func() { _ = s.wire.finishFrame(ping, rest) }()
	}
}

func (s *socket) isSignedIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewer != nil
}

// isIdle reports whether the connection is that of a guest or of no viewer, and has run nothing for a while.
func (s *socket) isIdle(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer == nil || len(s.ops) > 0 || now.Sub(s.used) < s.h.cfg.AnonymousIdle {
		return false
	}
	return !s.h.host.Proven(s.viewer)
}
