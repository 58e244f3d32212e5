package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// requireSound requires of a healed platform all that must be true whatever has happened.
func (w *faultWorld) requireSound() {
	const patience = 5 * time.Minute // what failed often is tried again after minutes
	began := time.Now()
	read, events := w.env["PROJECTION_DATABASE_URL"], w.env["DATABASE_URL"]
	testenv.Eventually(w.t, patience, func() (bool, string) {
		open := queryCount(w.t, events, `SELECT count(*) FROM (SELECT DISTINCT ON (stream_id) type FROM domain_events WHERE stream_id LIKE 'reservation-%'
			ORDER BY stream_id, version DESC) last WHERE type IN ('ReservationInitiated', 'PaymentRequested', 'PaymentAttemptFailed')`)
		return open == 0, fmt.Sprintf("%d reservations hold seats past their time", open)
	})
	testenv.Eventually(w.t, patience, func() (bool, string) {
		refunding := queryCount(w.t, events, `SELECT count(*) FROM domain_events r WHERE type = 'RefundRequested' AND NOT EXISTS (SELECT FROM domain_events d
			WHERE d.stream_id = r.stream_id AND d.type IN ('PaymentRefunded', 'RefundFailed') AND d.version > r.version)`)
		return refunding == 0, fmt.Sprintf("%d refunds wait", refunding)
	})
	w.t.Logf("no hold and no refund was left %s after the last command", time.Since(began).Round(time.Second))
	w.platform.requireVerified()
	awaitMoney(w.t, read, w.double)
	require.Zero(w.t, queryCount(w.t, read, `SELECT count(*) FROM sections WHERE sold + reserved > capacity`), "oversold")
	require.Zero(w.t, queryCount(w.t, read, `SELECT count(*) FROM projection_dead_letters`), "dead letters")
	require.Zero(w.t, queryCount(w.t, events, `SELECT count(*) FROM river_job WHERE state = 'discarded'`), "jobs that were given up")
	w.requireAsConfirmed(events)
	w.requireNoPanic()
	w.requireSwiftTakeovers()
}

// requireAsConfirmed requires that the log has each command once that an api confirmed to a customer, no reservation that none of them got, and that
// no seat is of two who have paid.
func (w *faultWorld) requireAsConfirmed(events string) {
	confirmed := &w.buyers.confirmed
	require.NotEmpty(w.t, confirmed.reserved)
	for event, c := range map[string]struct {
		category string
		ids      []string
	}{
		"ReservationInitiated": {"reservation", confirmed.reserved}, "ReservationCancelled": {"reservation", confirmed.cancelled}, "PaymentCompleted": {"payment", confirmed.paid},
	} {
		missing := queryCount(w.t, events, `SELECT count(*) FROM unnest($1::text[]) AS confirmed(id)
			WHERE (SELECT count(*) FROM domain_events WHERE stream_id = $2 || '-' || confirmed.id AND type = $3) <> 1`, c.ids, c.category, event)
		require.Zero(w.t, missing, "what an api confirmed and the log does not have once: %s", event)
	}
	require.Equal(w.t, len(confirmed.reserved), queryCount(w.t, events, `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`),
		"reservations that no customer got, although each command had an outcome")
	completed := queryValue[[]string](w.t, events, `SELECT coalesce(array_agg(substr(stream_id, length('reservation-') + 1)), '{}') FROM domain_events
		WHERE type = 'ReservationCompleted'`)
	floor, seats := map[string]int{}, map[string]string{}
	for _, s := range confirmed.sales {
		if !slices.Contains(completed, s.reservation) { // its hold had ended, and the money went back
			continue
		}
		floor[s.event] += s.floor
		for _, label := range s.seats {
			of := s.event + " " + label
			require.Empty(w.t, seats[of], "two customers have paid for %s: %s and %s", of, seats[of], s.reservation)
			seats[of] = s.reservation
		}
	}
	require.NotEmpty(w.t, seats)
	for event, places := range floor {
		require.LessOrEqual(w.t, places, faultFloor, "places on the floor of %s that customers have paid for", event)
	}
}

// requireNoPanic requires that no process has ended by a panic.
func (w *faultWorld) requireNoPanic() {
	for _, m := range w.members {
		log, err := os.ReadFile(m.log.Name())
		require.NoError(w.t, err)
		for _, sign := range []string{"panic: ", "fatal error: ", "msg=\"panic"} {
			at := bytes.Index(log, []byte(sign))
			require.Negative(w.t, at, "%s: %s", m.log.Name(), log[max(at, 0):min(max(at, 0)+2_000, len(log))])
		}
	}
}

// requireSwiftTakeovers requires that the log stood still for two seconds at most behind frozen apis. Other faults may strike meanwhile, so that
// it is not required of each.
func (w *faultWorld) requireSwiftTakeovers() {
	const some = 5
	if len(w.takeovers) < some {
		return
	}
	slices.Sort(w.takeovers)
	require.Less(w.t, w.takeovers[len(w.takeovers)/2], takeover, "%v", w.takeovers)
}

// footprint is what a process takes.
type footprint struct{ files, goroutines, mebibytes int }

func (m *member) footprint() (f footprint, err error) {
	m.mu.Lock()
	pid, metrics := strconv.Itoa(m.process.PID()), "http://"+m.metrics+"/metrics"
	m.mu.Unlock()
	files, err := os.ReadDir(filepath.Join("/proc", pid, "fd"))
	if err != nil {
		return f, err
	}
	statm, err := os.ReadFile(filepath.Join("/proc", pid, "statm"))
	if err != nil {
		return f, err
	}
	var size, resident int
	if _, err = fmt.Sscan(string(statm), &size, &resident); err != nil {
		return f, err
	}
	families, err := tryScrape(metrics)
	return footprint{len(files), int(sumOf(families["go_goroutines"], nil)), resident * os.Getpagesize() >> 20}, err
}

// measureFootprints measures what processes take that have just been started.
func (w *faultWorld) measureFootprints() {
	for _, m := range w.members {
		testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
			var err error
			m.atFirst, err = m.footprint()
			return err == nil, fmt.Sprintf("%s: %v", m.name, err)
		})
	}
}

// requireNothingLeaked requires that each process runs, and comes back to about as many files and goroutines as processes of its part have that
// have just been started. Memory stays what a process once needed.
func (w *faultWorld) requireNothingLeaked() {
	const moreFiles, moreGoroutines, mostMemory = 60, 120, 400
	for i, m := range w.members {
		testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
			now, err := m.footprint()
			state := fmt.Sprintf("%s %d: %+v, at first %+v: %v", m.name, i, now, m.atFirst, err)
			fine := err == nil && now.files <= m.atFirst.files+moreFiles && now.goroutines <= m.atFirst.goroutines+moreGoroutines && now.mebibytes < mostMemory
			if fine {
				w.t.Log(state)
			}
			return fine, state
		})
	}
}
