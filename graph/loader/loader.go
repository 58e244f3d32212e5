// Package loader batches the reads of one response. Objects that came in one list are siblings: what is asked of one of them is going to
// be asked of all, so it is read for all at once. The number of queries of a response then depends on how deep it is, not on how long its
// lists are or on when each of their elements asks.
//
// A loader remembers what it read, so it must not outlive its response.
package loader

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// Fetch reads something of several objects, by their ids. Ids that do not exist are missing in the result.
type Fetch[T any] func(ctx context.Context, ids []string) (map[string]T, error)

// Within returns a fetch that takes this long at most. A context that ends earlier is passed on as it is.
func Within[T any](timeout time.Duration, fetch Fetch[T]) Fetch[T] {
	return func(ctx context.Context, ids []string) (map[string]T, error) {
		if end, ends := ctx.Deadline(); ends && time.Until(end) <= timeout {
			return fetch(ctx, ids)
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return fetch(ctx, ids)
	}
}

// Loader reads something of objects, once each, and for all siblings of the first object that is asked for. It is safe for concurrent use.
type Loader[T any] struct {
	fetch    Fetch[T]
	siblings *Siblings
	onRead   func([]T)

	mu      sync.Mutex
	batches map[string]*batch[T] // by id
}

// New returns a loader. onRead, when it is not nil, gets what a fetch has read before any caller does.
func New[T any](siblings *Siblings, fetch Fetch[T], onRead func([]T)) *Loader[T] {
	return &Loader[T]{fetch: fetch, siblings: siblings, onRead: onRead}
}

// batch is the result of one fetch.
type batch[T any] struct {
	done   chan struct{}
	values map[string]T
	err    error
}

// Load returns nil for an object that does not exist.
func (l *Loader[T]) Load(ctx context.Context, id string) (*T, error) {
	b, ids := l.joinBatch(id)
	if ids != nil {
		l.fetchBatch(ctx, b, ids)
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	value, found := b.values[id]
	if b.err != nil || !found {
		return nil, b.err
	}
	return &value, nil
}

// joinBatch returns the object's batch, and the ids to fetch for the caller that asks first.
func (l *Loader[T]) joinBatch(id string) (b *batch[T], ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b = l.batches[id]; b != nil {
		return b, nil
	}
	if l.batches == nil {
		l.batches = map[string]*batch[T]{}
	}
	b = &batch[T]{done: make(chan struct{})}
	for _, sibling := range l.siblings.groupOf(id) {
		if l.batches[sibling] == nil {
			l.batches[sibling] = b
			ids = append(ids, sibling)
		}
	}
	return b, ids
}

var errPanicked = errors.New("the fetch of a batch panicked")

// fetchBatch fetches for all that wait. It runs in the goroutine of the first of them, which panics when the fetch does.
func (l *Loader[T]) fetchBatch(ctx context.Context, b *batch[T], ids []string) {
	b.err = errPanicked
	defer close(b.done)
	b.values, b.err = l.fetch(ctx, ids)
	if l.onRead != nil && b.err == nil {
		l.onRead(b.ordered(ids))
	}
}

func (b *batch[T]) ordered(ids []string) []T {
	all := make([]T, 0, len(b.values))
	for _, id := range ids {
		if value, found := b.values[id]; found {
			all = append(all, value)
		}
	}
	return all
}

// ByField holds a loader for each field of the operation that asks the same of all of its objects, with the same arguments. The zero value
// is ready to use.
type ByField[T any] struct {
	mu      sync.Mutex
	loaders map[*ast.Field]*Loader[T]
}

// Of returns the field's loader, made by the first call for the field.
func (b *ByField[T]) Of(field *ast.Field, newLoader func() *Loader[T]) *Loader[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.loaders == nil {
		b.loaders = map[*ast.Field]*Loader[T]{}
	}
	if b.loaders[field] == nil {
		b.loaders[field] = newLoader()
	}
	return b.loaders[field]
}
