package limits

import (
	"context"
	"runtime"
	"sync"
)

// Lane lets few heavy operations run at a time, of each client one, so that light ones always have processors left. It is safe for
// concurrent use.
type Lane struct {
	slots chan struct{}

	mu      sync.Mutex
	clients map[string]*turn
}

// turn is what the heavy operations of one client wait for.
type turn struct {
	slot  chan struct{}
	users int
}

// NewLane returns a lane for half of the processors.
func NewLane() *Lane {
	return &Lane{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), clients: map[string]*turn{}} // half
}

// Enter waits for a place until ctx ends. The caller leaves.
func (l *Lane) Enter(ctx context.Context, client string) (leave func(), err error) {
	t := l.joinTurn(client)
	if err := take(ctx, t.slot); err != nil {
		l.leaveTurn(client, t)
		return nil, err
	}
	if err := take(ctx, l.slots); err != nil {
		<-t.slot
		l.leaveTurn(client, t)
		return nil, err
	}
	return func() {
		<-l.slots
		<-t.slot
		l.leaveTurn(client, t)
	}, nil
}

func take(ctx context.Context, slot chan struct{}) error {
	select {
	case slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Lane) joinTurn(client string) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.clients[client]
	if t == nil {
		t = &turn{slot: make(chan struct{}, 1)}
		l.clients[client] = t
	}
	t.users++
	return t
}

// leaveTurn forgets the client after its last operation.
func (l *Lane) leaveTurn(client string, t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.clients, client)
	}
}
