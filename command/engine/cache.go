package engine

import (
	"math"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache holds streams, bounded in bytes, and evicts the least recently used first. A stream is measured when it is put.
type cache struct {
	lru      *simplelru.LRU[string, cached]
	size     int
	capacity int
}

type cached struct {
	stream *stream
	size   int
}

func newCache(capacity int) *cache {
	c := &cache{capacity: capacity}
	lru, err := simplelru.NewLRU(math.MaxInt32, func(_ string, evicted cached) { c.size -= evicted.size })
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	c.lru = lru
	return c
}

func (c *cache) get(id string) *stream {
	found, ok := c.lru.Get(id)
	if !ok {
		return nil
	}
	return found.stream
}

func (c *cache) put(s *stream) {
	c.lru.Remove(s.id)
	size := s.size()
	c.lru.Add(s.id, cached{s, size})
	c.size += size
}

func (c *cache) drop(id string) { c.lru.Remove(id) }
func (c *cache) clear()         { c.lru.Purge() }

// evict makes room. It runs between batches, so that no batch loses a stream that it is about to use; one stream always stays.
func (c *cache) evict() {
	for c.size > c.capacity && c.lru.Len() > 1 {
		c.lru.RemoveOldest()
	}
}
