package loader

import (
	"slices"
	"sync"
)

// Siblings remembers which objects of one kind came in one list. The zero value is ready to use.
type Siblings struct {
	mu     sync.Mutex
	groups map[string][]string
}

// Add notes that these ids came together. An id that is in a list already stays there.
func (s *Siblings) Add(ids []string) {
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

// groupOf returns the list that the object came in; at least the object itself.
func (s *Siblings) groupOf(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if group := s.groups[id]; group != nil {
		return group
	}
	return []string{id}
}

// IDs returns the id of each value, without duplicates.
func IDs[T any](values []T, id func(T) string) []string {
	ids := make([]string, len(values))
	for i, value := range values {
		ids[i] = id(value)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
