package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command"
	"ticketing/command/inventory"
)

// benchVisible measures how long a committed reservation takes until its row is in the read table, which is polled all the time: through
// relay, broker and projector, which run in this process beside the engine, at a low rate and at that of a busy sale. It counts
// from the return of the command to the return of the statement that found the row.
func benchVisible(ctx context.Context, b *bench) (err error) {
	s, err := b.openReadSide(ctx, "visible", true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m, err := openMarket(ctx, s.eventsURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	eventID, err := m.createEvent(ctx, newFloor())
	if err != nil {
		return err
	}
	stopRelay := s.startRelay(ctx)
	defer func() { err = errors.Join(err, stopRelay()) }()
	stopProjector := s.startProjector(ctx, "bench", "reservations", "availability")
	defer func() { err = errors.Join(err, stopProjector()) }()

	w := &watcher{read: s.read, committed: map[string]time.Time{}}
	stopWatcher := runInBackground(ctx, w.poll)
	defer func() { err = errors.Join(err, stopWatcher()) }()
	quantity, all := perCommand, newCallers()
	do := func(ctx context.Context, client, n int) error {
		r, err := m.ReserveSeats(ctx, all.newCaller(client, n), command.ReserveSeats{
			EventID: eventID, Items: []inventory.ReserveItem{{Section: sectionName, Quantity: &quantity}},
		})
		if err == nil {
			w.addReservation(r.ID, time.Now())
		}
		return err
	}
	if _, err := closedLoop(ctx, 1, 100*time.Millisecond, do); err != nil { // the consumer group forms, and everything is loaded
		return err
	}
	if _, err := w.awaitAll(ctx); err != nil {
		return err
	}
	for _, rate := range []float64{10, 1000} {
		took := time.Duration(b.rounds) * b.round
		var sum measured
		err := b.measureSide(&sum, fmt.Sprintf("%.0f reservations/s", rate), func() (measured, error) {
			return b.withProfile(fmt.Sprintf("visible-%.0f", rate), 0, func() (measured, error) {
				if _, err := openLoop(ctx, rate, took, do); err != nil {
					return measured{}, err
				}
				latencies, err := w.awaitAll(ctx)
				return measured{Done: len(latencies), Took: took, Latencies: latencies}, err
			})
		})
		if err != nil {
			return err
		}
		b.printFigure(fmt.Sprintf("visible_%.0f_p50_ms", rate), milliseconds(sum.quantile(0.5)))
		b.printFigure(fmt.Sprintf("visible_%.0f_p99_ms", rate), milliseconds(sum.quantile(0.99)))
	}
	return nil
}

// watcher polls for the rows of reservations.
type watcher struct {
	read *pgxpool.Pool

	mu        sync.Mutex
	committed map[string]time.Time // without a row so far
	latencies []time.Duration
}

func (w *watcher) addReservation(id string, committed time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.committed[id] = committed
}

// poll reads again a millisecond after each result.
func (w *watcher) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		w.mu.Lock()
		ids := make([]string, 0, len(w.committed))
		for id := range w.committed {
			ids = append(ids, id)
		}
		w.mu.Unlock()
		if len(ids) > 0 {
			if err := w.readRows(ctx, ids); err != nil && ctx.Err() == nil {
				return err
			}
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func (w *watcher) readRows(ctx context.Context, ids []string) error {
	rows, err := w.read.Query(ctx, `SELECT id FROM reservations WHERE id = ANY ($1)`, ids)
	if err != nil {
		return fmt.Errorf("look for rows: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for rows: %w", err)
	}
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range found {
		w.latencies = append(w.latencies, now.Sub(w.committed[id]))
		delete(w.committed, id)
	}
	return nil
}

// awaitAll waits until all rows were found, and returns how long each took, sorted.
func (w *watcher) awaitAll(ctx context.Context) (latencies []time.Duration, err error) {
	err = awaitCondition(ctx, "rows", time.Millisecond, func() (bool, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.committed) == 0, nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	latencies, w.latencies = w.latencies, nil
	slices.Sort(latencies)
	return latencies, err
}
