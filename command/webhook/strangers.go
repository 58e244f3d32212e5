package webhook

import (
	"sync"
	"time"
)

// Bounds of what strangers can make this process, and a gateway that checks webhooks for us, do.
const (
	mostStrange   = 20          // webhooks of one address that are being checked or were not genuine, in a window: a gateway's are genuine
	strangeWindow = time.Minute // after which an address may try again
	genuineFor    = time.Hour   // an address that sent a genuine webhook is a gateway's, and is not counted
	mostAddresses = 10_000      // remembered at a time: about a megabyte
)

// strangers counts the webhooks of addresses from which no genuine one has come.
type strangers struct {
	now func() time.Time

	mu      sync.Mutex
	senders map[string]*sender
}

type sender struct {
	strange      int // in the window
	windowEnds   time.Time
	genuineUntil time.Time
}

func newStrangers(now func() time.Time) *strangers {
	return &strangers{now: now, senders: map[string]*sender{}}
}

// begin counts a webhook and reports whether it may be checked.
func (s *strangers) begin(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	from := s.senders[address]
	if from == nil {
		if len(s.senders) >= mostAddresses {
			s.forgetOld(now)
		}
		if len(s.senders) >= mostAddresses {
			return false
		}
		from = &sender{}
		s.senders[address] = from
	}
	if now.Before(from.genuineUntil) {
		return true
	}
	if !now.Before(from.windowEnds) {
		from.strange, from.windowEnds = 0, now.Add(strangeWindow)
	}
	if from.strange >= mostStrange {
		return false
	}
	from.strange++
	return true
}

// giveBack takes the count of a webhook back that could not be checked.
func (s *strangers) giveBack(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from := s.senders[address]; from != nil && from.strange > 0 {
		from.strange--
	}
}

// foundGenuine says that a webhook of this address was genuine.
func (s *strangers) foundGenuine(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from := s.senders[address]; from != nil {
		from.strange, from.genuineUntil = 0, s.now().Add(genuineFor)
	}
}

func (s *strangers) forgetOld(now time.Time) {
	for address, from := range s.senders {
		if now.After(from.windowEnds) && now.After(from.genuineUntil) {
			delete(s.senders, address)
		}
	}
}
