package transport

import "context"

// Part says who of those that share a subscription a response is for.
type Part int

const (
	// PartNext is for all who got the response before.
	PartNext Part = iota
	// PartFirst is for those who have got none yet.
	PartFirst
	// PartRestart is for those who have missed some.
	PartRestart
)

// Shared is one execution of a subscription for all who asked for the same with the same rights.
type Shared struct {
	// Key is equal for those who get equal responses.
	Key string
	// Client is who began it: its executions are counted among the client's.
	Client string
	// Cost is what one execution costs, which its members share.
	Cost int
	// Changes reports that a response says what changed since the one before. Otherwise the newest one says everything.
	Changes bool

	asked chan Part
	parts chan Part
}

// init makes the execution ready to begin.
func (s *Shared) init() {
	const pending = 4 // more than can be asked for, or be under way, at a time
	s.asked, s.parts = make(chan Part, pending), make(chan Part, pending)
}

// Asked returns the channel of the parts that clients wait for. It never has one if s is nil: for an execution that is not shared.
func (s *Shared) Asked() <-chan Part {
	if s == nil {
		return nil
	}
	return s.asked
}

// Begin says what the next state that is sent is. It is called once before each state, if responses say what changed.
func (s *Shared) Begin(p Part) {
	if s != nil {
		s.parts <- p
	}
}

// responded returns what the response is that was just made.
func (s *Shared) responded() Part {
	if !s.Changes {
		return PartNext
	}
	select {
	case p := <-s.parts:
		return p
	default:
		return PartNext
	}
}

type sharedKey struct{}

// SharedOf returns the shared execution that ctx belongs to, nil when there is none.
func SharedOf(ctx context.Context) *Shared {
	s, _ := ctx.Value(sharedKey{}).(*Shared)
	return s
}
