package saga

import (
	"sync"
	"time"
)

// atWork is the jobs of this replica: those that it works on, and those that have just ended, whose results are being stored.
type atWork struct {
	mu   sync.Mutex
	jobs map[int64]time.Time // when each has ended; zero: it has not
}

func newAtWork() *atWork { return &atWork{jobs: map[int64]time.Time{}} }

func (a *atWork) begin(id int64) { a.set(id, time.Time{}) }

func (a *atWork) end(id int64) { a.set(id, time.Now()) }

func (a *atWork) set(id int64, ended time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs[id] = ended
}

// list returns the ids of the jobs, and forgets those that ended longer than a time ago.
func (a *atWork) list(forgetAfter time.Duration) []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]int64, 0, len(a.jobs))
	for id, ended := range a.jobs {
		if !ended.IsZero() && time.Since(ended) > forgetAfter {
			delete(a.jobs, id)
			continue
		}
		ids = append(ids, id)
	}
	return ids
}
