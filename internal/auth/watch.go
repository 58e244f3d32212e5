package auth

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// lookAgain is how often watched sessions are looked up: announcements can be lost, and sessions expire without one.
const lookAgain = 30 * time.Second

// watch is somebody's interest in a principal.
type watch struct {
	principal Principal
	over      chan struct{}
}

// watches are all of a process, by session id and by user id.
type watches struct {
	mu sync.Mutex
	by map[string]map[*watch]struct{}
}

// WatchSession answers a channel that is closed when p is no longer true: the session ended or the user's roles changed. Whoever
// sees it closed authenticates the token again. The watch ends with ctx, without closing the channel. However many watch, a process
// has one connection for it.
func (s *Service) WatchSession(ctx context.Context, p Principal) <-chan struct{} {
	w := &watch{principal: p, over: make(chan struct{})}
	s.watches.add(w)
	context.AfterFunc(ctx, func() { s.watches.remove(w) })
	s.lookUp(ctx, []*watch{w}) // it may have ended before anybody watched
	return w.over
}

func (ws *watches) add(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.by == nil {
		ws.by = map[string]map[*watch]struct{}{}
	}
	for _, subject := range []string{w.principal.SessionID, w.principal.UserID} {
		if ws.by[subject] == nil {
			ws.by[subject] = map[*watch]struct{}{}
		}
		ws.by[subject][w] = struct{}{}
	}
}

// remove forgets a watch, and says whether it was there.
func (ws *watches) remove(w *watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	_, there := ws.by[w.principal.SessionID][w]
	for _, subject := range []string{w.principal.SessionID, w.principal.UserID} {
		delete(ws.by[subject], w)
		if len(ws.by[subject]) == 0 {
			delete(ws.by, subject)
		}
	}
	return there
}

// of answers the watches of a session or user; all of them for "".
func (ws *watches) of(subject string) []*watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if subject != "" {
		return keys(ws.by[subject])
	}
	all := map[*watch]struct{}{}
	for _, some := range ws.by {
		for w := range some {
			all[w] = struct{}{}
		}
	}
	return keys(all)
}

func keys(set map[*watch]struct{}) []*watch {
	list := make([]*watch, 0, len(set))
	for w := range set {
		list = append(list, w)
	}
	return list
}

// fire closes a watch's channel, once.
func (ws *watches) fire(w *watch) {
	if ws.remove(w) {
		close(w.over)
	}
}

// followChanges listens on Redis until ctx ends. Whenever the connection was lost, everything watched is looked up.
func (s *Service) followChanges(ctx context.Context) {
	subscription := s.redis.Subscribe(ctx, changesChannel)
	defer func() { _ = subscription.Close() }()
	received := subscription.ChannelWithSubscriptions()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.lookUp(ctx, s.watches.of(""))
		case r := <-received:
			switch r := r.(type) {
			case *redis.Subscription: // connected, maybe again
				s.lookUp(ctx, s.watches.of(""))
			case *redis.Message:
				for _, w := range s.watches.of(r.Payload) {
					s.watches.fire(w)
				}
			}
		}
	}
}
