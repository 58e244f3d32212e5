package graph

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// siblings knows which objects of one kind came in one list: what is asked of one of them is going to be asked of all, and so is read for
// all at once. How many queries an answer takes then depends on how deep it is, and not on how long its lists are or on the moment at
// which each of their elements gets to ask.
type siblings struct {
	mu     sync.Mutex
	groups map[string][]string
}

// add says that these came together. Who is in a list already stays there.
func (s *siblings) add(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups == nil {
		s.groups = map[string][]string{}
	}
	for _, id := range ids {
		if _, known := s.groups[id]; !known {
			s.groups[id] = ids
		}
	}
}

// of answers an object's list: the object at least.
func (s *siblings) of(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if group := s.groups[id]; group != nil {
		return group
	}
	return []string{id}
}

// fetch reads something of several objects, by their ids. What there is not is missing in the answer.
type fetch[T any] func(ctx context.Context, ids []string) (map[string]T, error)

// loader reads something of objects once each, and for all siblings of the first that is asked for.
type loader[T any] struct {
	fetch    fetch[T]
	siblings *siblings
	found    func([]T) // is told what was read, before anybody else

	mu      sync.Mutex
	batches map[string]*batch[T] // by id
}

// batch is what one fetch answers.
type batch[T any] struct {
	done   chan struct{}
	values map[string]T
	err    error
}

// load answers nil for what is not there.
func (l *loader[T]) load(ctx context.Context, id string) (*T, error) {
	b, ids := l.join(id)
	if ids != nil {
		l.run(ctx, b, ids)
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

// join answers the object's batch, and for the first that asks what it is to fetch.
func (l *loader[T]) join(id string) (b *batch[T], ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b = l.batches[id]; b != nil {
		return b, nil
	}
	if l.batches == nil {
		l.batches = map[string]*batch[T]{}
	}
	b = &batch[T]{done: make(chan struct{})}
	for _, sibling := range l.siblings.of(id) {
		if l.batches[sibling] == nil {
			l.batches[sibling] = b
			ids = append(ids, sibling)
		}
	}
	return b, ids
}

var errUnread = errors.New("graph: the read of a batch has panicked")

// run fetches for all who wait; it runs in the goroutine of the one that came first, which panics when the fetch does.
func (l *loader[T]) run(ctx context.Context, b *batch[T], ids []string) {
	b.err = errUnread
	defer close(b.done)
	b.values, b.err = l.fetch(ctx, ids)
	if l.found != nil && b.err == nil {
		all := make([]T, 0, len(b.values))
		for _, id := range ids {
			if value, found := b.values[id]; found {
				all = append(all, value)
			}
		}
		l.found(all)
	}
}

// each answers what f answers of every value, each once.
func each[T any](values []T, f func(T) string) []string {
	ids := make([]string, len(values))
	for i, value := range values {
		ids[i] = f(value)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
