package transport

import (
	"context"
	"sync/atomic"
)

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
	// Client is who asks for it.
	Client string
	// Cost is what one execution costs, which its members share.
	Cost int
	// Changes reports that a response says what changed since the one before. Otherwise the newest one says everything.
	Changes bool
	// First is the part with which the client begins, if responses say what changed.
	First Part

	asked chan Part
	own   atomic.Bool // it has a share of its own
}

// init makes the execution ready to begin.
func (s *Shared) init() { s.asked = make(chan Part, mostAsked) }

// Payer returns the key under which the execution has its share of the processors and of the database's connections: one of its own, since it is no
// single client's. Further ones of a client that asks for many share one.
func (s *Shared) Payer() string {
	if s.own.Load() {
		return "shared " + s.Key
	}
	return "shared by " + s.Client
}

// Asked returns the channel of the parts that clients wait for. It never has one if s is nil: for an execution that is not shared.
func (s *Shared) Asked() <-chan Part {
	if s == nil {
		return nil
	}
	return s.asked
}

type sharedKey struct{}

// SharedOf returns the shared execution that ctx belongs to, nil when there is none.
func SharedOf(ctx context.Context) *Shared {
	s, _ := ctx.Value(sharedKey{}).(*Shared)
	return s
}

// State is what a response of a subscription is beside its data.
type State struct {
	// Part says who of those that share the subscription it is for.
	Part Part
	// EventID is what a client that goes on after the response sends as its Last-Event-ID. Without one it begins with the present state.
	EventID string
}

// statesUnderWay is how many states of a subscription may be made at a time: more than are.
const statesUnderWay = 4

type statesKey struct{}

func withStates(ctx context.Context) (context.Context, <-chan State) {
	states := make(chan State, statesUnderWay)
	return context.WithValue(ctx, statesKey{}, states), states
}

// BeginState says what the next state is that ctx's subscription sends. It is called before each state, or never.
func BeginState(ctx context.Context, next State) {
	states, followed := ctx.Value(statesKey{}).(chan State)
	if !followed {
		return
	}
	select {
	case states <- next:
	case <-ctx.Done():
	}
}
