package transport

import "context"

// Part says who of those that share a subscription a response is for. One above PartNext is a version: for those who go on after that.
type Part int64

const (
	// PartRestart is for those who have missed some.
	PartRestart Part = iota - 2
	// PartFirst is for those who have got none yet.
	PartFirst
	// PartNext is for all who got the response before.
	PartNext
)

// mostAsked bounds the parts that are asked for at a time: of all who go on after other versions, each has one, and a response to itself.
const mostAsked = 64

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
	// First is the part with which the client begins, if responses say what changed.
	First Part

	asked chan Part
	parts chan Part
}

// init makes the execution ready to begin.
func (s *Shared) init() {
	const underWay = 4 // more than are made at a time
	s.asked, s.parts = make(chan Part, mostAsked), make(chan Part, underWay)
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
