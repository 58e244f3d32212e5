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

// shoppers buy, cancel or abandon reservations until they are stopped.
type shoppers struct {
	group sync.WaitGroup
	stop  chan struct{}
	once  sync.Once
	done  atomic.Int64 // reservations made
}

// startShoppers lets customers shop at an event.
func (p *platform) startShoppers(eventID string, customers int) *shoppers {
	p.t.Helper()
	s := &shoppers{stop: make(chan struct{})}
	for i := range customers {
		c := signIn(p.t, p.url, fmt.Sprintf("shopper%d@example.com", i))
		s.group.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond) // customers think before they buy
			defer pace.Stop()
			for n := i; ; n++ {
				select {
				case <-s.stop:
					return
				case <-pace.C:
				}
				s.buyOnce(c, eventID, n)
			}
		})
	}
	p.t.Cleanup(s.finish)
	return s
}

// buyOnce makes a reservation, and pays it, cancels it or does neither. Parts may be down, so errors are ignored: only the tables count.
func (s *shoppers) buyOnce(c *client, eventID string, n int) {
	var reserved struct {
		Data struct{ ReserveSeats payload }
	}
	c.tryExecute(`mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } } }`,
		vars{"eventId": eventID, "items": []vars{bestSeats("Floor", 1+n%3)}, "idempotencyKey": newKey()}, &reserved)
	r := reserved.Data.ReserveSeats.Reservation
	if r == nil {
		return
	}
	s.done.Add(1)
	switch n % 3 {
	case 0:
		c.tryExecute(`mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { payment { id } } }`,
			vars{"reservationId": r.ID, "method": vars{"card": vars{"token": "pm_card_visa"}}, "idempotencyKey": newKey()}, nil)
	case 1:
		c.tryExecute(`mutation($i: CancelReservationInput!) { cancelReservation(input: $i) { reservation { id } } }`,
			vars{"reservationId": r.ID, "idempotencyKey": newKey()}, nil)
	}
}

// tryExecute executes an operation with the variable i. Without a response it leaves answer unchanged.
func (c *client) tryExecute(query string, i, answer any) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars{"i": i}})
	if err != nil {
		return
	}
	if text, err := c.postOperation(body); err == nil && answer != nil {
		_ = json.Unmarshal(text, answer)
	}
}

// finish stops the shoppers and waits for them.
func (s *shoppers) finish() {
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

// projectionStatus returns how far each projection is.
func (p *platform) projectionStatus() []query.ProjectionStatus {
	p.t.Helper()
	topics := map[string]string{}
	for i, category := range []string{"event", "inventory", "reservation", "payment"} {
		topics[category] = testenv.Topics()[i]
	}
	statuses, err := query.NewProjections(query.ProjectionsConfig{
		Read: p.openPool("PROJECTION_DATABASE_URL"), Events: p.openPool("DATABASE_URL"), Topics: topics, Categories: projector.Categories(),
	}).Status(p.t.Context())
	require.NoError(p.t, err)
	return statuses
}

// openPool returns a pool for one of the platform's databases, the same one each time.
func (p *platform) openPool(variable string) *pgxpool.Pool {
	p.t.Helper()
	if p.openPools[variable] == nil {
		pool := testenv.OpenPool(p.t, p.env[variable])
		p.openPools[variable] = pool
	}
	return p.openPools[variable]
}

// awaitLag waits until no projection (of those named, or of all) is behind by more than most records.
func (p *platform) awaitLag(most int64, names ...string) {
	p.t.Helper()
	testenv.Eventually(p.t, 2*testenv.Patience, func() (bool, string) {
		statuses := p.projectionStatus()
		for _, s := range statuses {
			if (len(names) == 0 || slices.Contains(names, s.Name)) && s.LagRecords > most {
				return false, fmt.Sprintf("%+v", s)
			}
		}
		return true, ""
	})
}

// awaitAppliedAll waits until the projection has applied all that is in the log now.
func (p *platform) awaitAppliedAll(name string) {
	p.t.Helper()
	head := int64(queryCount(p.t, p.env["DATABASE_URL"], `SELECT max(position) FROM domain_events`))
	testenv.Eventually(p.t, 2*testenv.Patience, func() (bool, string) {
		for _, s := range p.projectionStatus() {
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
