package test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// fillHistory appends so many reservations of an event that were made and cancelled, four domain events each.
func (p *platform) fillHistory(eventID string, reservations int) {
	p.t.Helper()
	_, err := p.openPool("DATABASE_URL").Exec(p.t.Context(), `WITH head AS (
			SELECT (SELECT max(position) FROM domain_events) AS position, incarnation,
				(SELECT max(version) FROM domain_events WHERE stream_id = 'inventory-' || $1) AS version
			FROM log_incarnation
		), history AS (
			SELECT head.position + 4 * n + step AS position, 'rsv_past_' || $1 || '_' || n AS id, incarnation, category, type,
				CASE category WHEN 'inventory' THEN head.version + 2 * n ELSE 0 END + nth AS version
			FROM head, generate_series(0, $2 - 1) n, (VALUES
				(1, 'inventory',   1, 'SeatsReserved'), (2, 'reservation', 1, 'ReservationInitiated'),
				(3, 'reservation', 2, 'ReservationCancelled'), (4, 'inventory', 2, 'SeatsReleased')) s (step, category, nth, type)
		)
		INSERT INTO domain_events
		SELECT 0, position, category || '-' || CASE category WHEN 'inventory' THEN $1 ELSE id END, version, type, 1,
			CASE type
				WHEN 'ReservationInitiated' THEN json_build_object('eventId', $1, 'customerId', 'usr_past',
					'seats', json_build_array(json_build_object('section', 'Floor', 'price', price)), 'total', price, 'paymentAttempts', 1,
					'createdAt', '2026-01-01T00:00:00Z', 'expiresAt', '2026-01-01T00:05:00Z')
				WHEN 'ReservationCancelled' THEN json_build_object('cancelledAt', '2026-01-01T00:01:00Z')
				ELSE json_build_object('reservationId', id, 'customerId', 'usr_past',
					'items', json_build_array(json_build_object('section', 'Floor', 'quantity', 1)))
			END, json_build_object('correlationId', 'cor_past', 'actor', 'usr_past', 'incarnation', incarnation), now()
		FROM history, json_build_object('minor', 2000, 'currency', 'EUR') price
		ORDER BY position`, eventID, reservations)
	require.NoError(p.t, err)
}

// readers read a reservation again and again, and keep how long each response takes.
type readers struct {
	group sync.WaitGroup
	stop  chan struct{}
	mu    sync.Mutex
	took  []time.Duration
	wrong error
}

// startReaders reads a reservation through the API until finish is called.
func (p *platform) startReaders(c *client, reservationID string) *readers {
	r := &readers{stop: make(chan struct{})}
	for range 2 {
		r.group.Go(func() {
			pace := time.NewTicker(5 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-r.stop:
					return
				case <-pace.C:
				}
				began := time.Now()
				var answer struct {
					Data struct{ Reservation *reservationValue }
				}
				c.tryExecute(`query($i: ID!) { reservation(id: $i) { id status } }`, reservationID, &answer)
				took := time.Since(began)
				r.mu.Lock()
				r.took = append(r.took, took)
				if found := answer.Data.Reservation; found == nil || found.Status != "SEATS_RESERVED" {
					r.wrong = fmt.Errorf("read %+v", found)
				}
				r.mu.Unlock()
			}
		})
	}
	return r
}

// takeP99 returns the 99th percentile of the reads since the last call.
func (r *readers) takeP99(t testing.TB) time.Duration {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NoError(t, r.wrong, "readers have seen a wrong reservation")
	require.NotEmpty(t, r.took)
	slices.Sort(r.took)
	p99 := r.took[len(r.took)*99/100]
	r.took = nil
	return p99
}

func (r *readers) finish() {
	close(r.stop)
	r.group.Wait()
}

// rebuildPosition returns how far the rebuild of a projection is, 0 without one.
func (p *platform) rebuildPosition(name string) int {
	p.t.Helper()
	return queryCount(p.t, p.env["PROJECTION_DATABASE_URL"], `SELECT coalesce((SELECT position FROM projection_rebuilds WHERE projection = $1), 0)`, name)
}

// All projections are rebuilt while customers buy and read; the rebuild is killed meanwhile, and continues.
func TestARebuildNeedsNoDowntime(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["RESERVATION_HOLD"] = "1h"
	p.startPart("relay")
	p.startPart("projector")
	p.startAPI()
	alice := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	p.fillHistory(id, 15_000)
	kept := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	p.awaitLag(100)
	awaitStatus(t, alice, kept.ID, "SEATS_RESERVED")
	shoppers := p.startShoppers(id, 2)
	readers := p.startReaders(alice, kept.ID)
	t.Cleanup(readers.finish)
	shoppers.awaitMore(t, 60)
	before := readers.takeP99(t)

	// It is killed when it has read a part of the log.
	log := queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events`)
	rebuild := p.startPart("projector", "rebuild", "reservations")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		position := p.rebuildPosition("reservations")
		return position > 0, "no page is filled"
	})
	rebuild.killNow()
	reached := p.rebuildPosition("reservations")
	require.Positive(t, reached)
	require.Less(t, reached, log, "it was killed in the middle")
	generations := func() string {
		return queryText(t, p.env["PROJECTION_DATABASE_URL"], `SELECT string_agg(DISTINCT generation::text, ' ') FROM projections`)
	}
	require.Equal(t, "1", generations(), "the live tables serve")

	// It continues, with all the others.
	status, output := p.runProgram("projector", "rebuild", "--all")
	during := readers.takeP99(t)
	require.Zero(t, status, output)
	var at int
	for line := range strings.Lines(output) {
		_, _ = fmt.Sscanf(line, "reservations: resumes at position %d", &at)
	}
	require.Equal(t, reached, at, output)
	require.Contains(t, output, "reservations: rebuilt up to position ")
	require.Equal(t, "2", generations())
	require.Zero(t, queryCount(t, p.env["PROJECTION_DATABASE_URL"], `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rebuild%'`), "the old ones are gone")
	t.Logf("p99 of a read: %s before, %s meanwhile, %.1f times", before, during, float64(during)/float64(before))
	// Other tests on the machine make single reads slow; a read that waits for a rebuild takes seconds.
	require.Less(t, during, max(50*before, 3*time.Second))

	shoppers.awaitMore(t, 30)
	shoppers.finish()
	p.requireVerified()
}
