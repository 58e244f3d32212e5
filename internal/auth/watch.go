package auth

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// checkEvery is how often watched sessions are checked: announcements can be lost, and sessions expire without one.
const checkEvery = 30 * time.Second

// watch waits for the end of a principal.
type watch struct {
	principal Principal
	changed   func()
}

// watches are all watches of a process, by session id and by user id.
type watches struct {
	mu sync.Mutex
	by map[string]map[*watch]struct{}
}

// WatchSession calls changed, in a goroutine of its own, when p is out of date: the session has ended or the user's roles have changed. The
// caller then authenticates the token again. The watch ends with ctx, or with that call. All watches of a process share one connection.
func (s *Service) WatchSession(ctx context.Context, p Principal, changed func()) {
	w := &watch{principal: p, changed: changed}
	s.watches.addWatch(w)
	context.AfterFunc(ctx, func() { s.watches.removeWatch(w) })
	s.checkWatches(ctx, []*watch{w}) // it may have ended before the watch began
}

func (ws *watches) addWatch(w *watch) {
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

// removeWatch removes a watch, and reports whether it was there.
func (ws *watches) removeWatch(w *watch) bool {
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

// watchesOf returns the watches of a session or a user, or all for "".
func (ws *watches) watchesOf(subject string) []*watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if subject != "" {
		return listOf(ws.by[subject])
	}
	all := map[*watch]struct{}{}
	for _, some := range ws.by {
		for w := range some {
			all[w] = struct{}{}
		}
	}
	return listOf(all)
}

func listOf(set map[*watch]struct{}) []*watch {
	list := make([]*watch, 0, len(set))
	for w := range set {
		list = append(list, w)
	}
	return list
}

// fireWatch ends a watch with its call.
func (ws *watches) fireWatch(w *watch) {
	if ws.removeWatch(w) {
		go w.changed()
	}
}

// followChanges listens on Redis until ctx ends. It checks all watches now and then, and whenever the connection was lost.
func (s *Service) followChanges(ctx context.Context) {
	subscription := s.redis.Subscribe(ctx, changesChannel)
	defer func() { _ = subscription.Close() }()
	received := subscription.ChannelWithSubscriptions()
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.checkWatches(ctx, s.watches.watchesOf(""))
		case r := <-received:
			switch r := r.(type) {
			case *redis.Subscription: // connected, possibly again
				s.checkWatches(ctx, s.watches.watchesOf(""))
			case *redis.Message:
				for _, w := range s.watches.watchesOf(r.Payload) {
					s.watches.fireWatch(w)
				}
			}
		}
	}
}
