package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
	"ticketing/projector"
	"ticketing/query"
)

// shoppers buy, cancel and leave tickets lying until they are stopped.
type shoppers struct {
	group sync.WaitGroup
	stop  chan struct{}
	once  sync.Once
	done  atomic.Int64 // reservations made
}

// shop lets customers shop at an event.
func (p *platform) shop(eventID string, customers int) *shoppers {
	p.t.Helper()
	s := &shoppers{stop: make(chan struct{})}
	for i := range customers {
		c := signIn(p.t, p.url, fmt.Sprintf("shopper%d@example.com", i))
		s.group.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond) // people think before they buy
			defer pace.Stop()
			for n := i; ; n++ {
				select {
				case <-s.stop:
					return
				case <-pace.C:
				}
				s.visit(c, eventID, n)
			}
		})
	}
	p.t.Cleanup(s.leave)
	return s
}

// visit makes a reservation, and pays or cancels it or neither. What fails meanwhile is nobody's fault: only the tables count.
func (s *shoppers) visit(c *client, eventID string, n int) {
	var reserved struct {
		Data struct{ ReserveSeats payload }
	}
	c.try(`mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } } }`,
		vars{"eventId": eventID, "items": []vars{item("Floor", 1+n%3)}, "idempotencyKey": key()}, &reserved)
	r := reserved.Data.ReserveSeats.Reservation
	if r == nil {
		return
	}
	s.done.Add(1)
	switch n % 3 {
	case 0:
		c.try(`mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { payment { id } } }`,
			vars{"reservationId": r.ID, "method": vars{"card": vars{"token": "pm_card_visa"}}, "idempotencyKey": key()}, nil)
	case 1:
		c.try(`mutation($i: CancelReservationInput!) { cancelReservation(input: $i) { reservation { id } } }`,
			vars{"reservationId": r.ID, "idempotencyKey": key()}, nil)
	}
}

// try sends an operation with the variable i, and leaves the answer as it is when none comes.
func (c *client) try(query string, i, answer any) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars{"i": i}})
	if err != nil {
		return
	}
	if text, err := c.post(body); err == nil && answer != nil {
		_ = json.Unmarshal(text, answer)
	}
}

// leave ends the shopping and waits until everybody has left.
func (s *shoppers) leave() {
	s.once.Do(func() { close(s.stop) })
	s.group.Wait()
}

// awaitMore waits until so many more reservations are made.
func (s *shoppers) awaitMore(t testing.TB, more int64) {
	t.Helper()
	until := s.done.Load() + more
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		now := s.done.Load()
		return now >= until, fmt.Sprintf("%d of %d reservations", now, until)
	})
}

// projections answers how far the projections are.
func (p *platform) projections() []query.ProjectionStatus {
	p.t.Helper()
	topics := map[string]string{}
	for i, category := range []string{"event", "inventory", "reservation", "payment"} {
		topics[category] = testenv.Topics()[i]
	}
	statuses, err := query.NewProjections(p.pool("PROJECTION_DATABASE_URL"), p.pool("DATABASE_URL"), topics, projector.Categories()).Status(p.t.Context())
	require.NoError(p.t, err)
	return statuses
}

// pool is a pool of the platform's own database, made once.
func (p *platform) pool(variable string) *pgxpool.Pool {
	p.t.Helper()
	if p.pools[variable] == nil {
		pool, err := pgxpool.New(p.t.Context(), p.env[variable])
		require.NoError(p.t, err)
		p.t.Cleanup(pool.Close)
		p.pools[variable] = pool
	}
	return p.pools[variable]
}

// awaitLag waits until none of the projections (all, when none is named) is behind by more than most records.
func (p *platform) awaitLag(most int64, names ...string) {
	p.t.Helper()
	testenv.Eventually(p.t, 2*testenv.Patience, func() (bool, string) {
		statuses := p.projections()
		for _, s := range statuses {
			if (len(names) == 0 || slices.Contains(names, s.Name)) && s.LagRecords > most {
				return false, fmt.Sprintf("%+v", s)
			}
		}
		return true, ""
	})
}

// awaitPassed waits until the projection has applied everything that is in the log now.
func (p *platform) awaitPassed(name string) {
	p.t.Helper()
	head := int64(count(p.t, p.env["DATABASE_URL"], `SELECT max(position) FROM domain_events`))
	testenv.Eventually(p.t, 2*testenv.Patience, func() (bool, string) {
		for _, s := range p.projections() {
			if s.Name != name {
				continue
			}
			for _, partition := range s.Partitions {
				if partition.LagRecords > 0 && partition.Position < head || s.Unpublished > 0 && partition.Position < head {
					return false, fmt.Sprintf("%+v", s)
				}
			}
		}
		return true, ""
	})
}
