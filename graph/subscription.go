package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/graph/apierror"
)

// subscription is what the responses of a subscription know of its stream.
type subscription struct {
	mu      sync.Mutex
	again   func()          // has the stream send the newest state again
	offered <-chan struct{} // gets a value when the stream has a state
}

type subscriptionKey struct{}

func withSubscription(ctx context.Context) context.Context {
	return context.WithValue(ctx, subscriptionKey{}, new(subscription))
}

// subscriptionOf returns the subscription of ctx's operation.
func subscriptionOf(ctx context.Context) *subscription {
	return ctx.Value(subscriptionKey{}).(*subscription) //nolint:forcetypeassert // a missing one is a bug that must show
}

func (s *subscription) follow(again func(), offered <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again, s.offered = again, offered
}

// setOffered is for a stream that makes others of the states it follows.
func (s *subscription) setOffered(offered <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = offered
}

// awaitState waits until the stream has a state, or has ended.
func (s *subscription) awaitState(ctx context.Context) {
	s.mu.Lock()
	offered := s.offered
	s.mu.Unlock()
	if offered == nil {
		return // the subscription was refused
	}
	select {
	case <-offered:
	case <-ctx.Done():
	}
}

func (s *subscription) sendAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again != nil {
		s.again()
	}
}

// isUnavailable reports whether something of the response could not be read just now.
func isUnavailable(response *graphql.Response) bool {
	if response == nil {
		return false
	}
	for _, err := range response.Errors {
		if err.Extensions["code"] == string(apierror.Unavailable) {
			return true
		}
	}
	return false
}
