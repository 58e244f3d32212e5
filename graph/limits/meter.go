package limits

import (
	"sync"
	"time"
)

// Meter limits what each client may read in a time, by weight: a bucket of tokens that fills up steadily. It counts in this process only, so
// that reading needs nothing else. It is safe for concurrent use.
type Meter struct {
	perSecond, burst float64
	clock            func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
	swept   time.Time
}

type bucket struct {
	tokens float64 // below 0: what cost more than was expected is paid later
	at     time.Time
}

const (
	// burstOf is how much of a minute's weight may be used at once: enough to open some pages, not to keep the process busy for long.
	burstOf = 0.25
	// mostBuckets bounds the memory for clients that read a moment ago: about 10 MB.
	mostBuckets = 100_000
)

// NewMeter returns a meter that allows this weight a minute.
func NewMeter(perMinute int, clock func() time.Time) *Meter {
	return &Meter{
		perSecond: float64(perMinute) / 60, burst: float64(perMinute) * burstOf, clock: clock, // seconds of a minute
		buckets: map[string]bucket{},
	}
}

// Balance is what a client may still read.
type Balance struct {
	Limit  int           // at once
	Refill time.Duration // in which an empty bucket fills up
	Left   int           // of it; below 0 after something that cost more than was left
	Full   time.Duration // until all of it is there again
	Wait   time.Duration // until the weight that was asked for is allowed; 0: it is
}

// Take takes a weight from a client's bucket if that much is there, and reports in Balance.Wait when it will be. A weight above what a bucket holds
// is taken from a full one.
func (m *Meter) Take(client string, weight int) Balance {
	return m.use(client, float64(weight), false)
}

// Charge takes a weight in any case, for something that was done already.
func (m *Meter) Charge(client string, weight int) Balance {
	return m.use(client, float64(weight), true)
}

func (m *Meter) use(client string, weight float64, always bool) Balance {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	m.forgetFull(now)
	b := m.fill(client, now)
	balance := Balance{Limit: int(m.burst), Refill: m.timeFor(m.burst)}
	if lacking := min(weight, m.burst) - b.tokens; lacking > 0 {
		balance.Wait = m.timeFor(lacking)
	}
	if balance.Wait == 0 || always {
		b.tokens -= weight
		m.buckets[client] = b
	}
	balance.Left = int(b.tokens)
	balance.Full = m.timeFor(m.burst - b.tokens)
	return balance
}

func (m *Meter) timeFor(tokens float64) time.Duration {
	return time.Duration(tokens / m.perSecond * float64(time.Second))
}

// fill returns the client's bucket as it is now.
func (m *Meter) fill(client string, now time.Time) bucket {
	b, known := m.buckets[client]
	if !known {
		return bucket{tokens: m.burst, at: now}
	}
	b.tokens = min(m.burst, b.tokens+now.Sub(b.at).Seconds()*m.perSecond)
	b.at = now
	return b
}

// forgetFull forgets the buckets that are full again, at most once a second and when there are many; and all of them when there are too
// many clients to remember.
func (m *Meter) forgetFull(now time.Time) {
	if len(m.buckets) < mostBuckets || now.Sub(m.swept) < time.Second && len(m.buckets) < 2*mostBuckets {
		return
	}
	m.swept = now
	for client := range m.buckets {
		if m.fill(client, now).tokens >= m.burst {
			delete(m.buckets, client)
		}
	}
	if len(m.buckets) >= 2*mostBuckets {
		clear(m.buckets)
	}
}
