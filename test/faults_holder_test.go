package test

import (
	"context"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/internal/testenv"
)

// freezeHolder freezes an api that has the log's lock, measures how long the others do not append, and reports whether it could. All apis wait for
// the lock while the test has it; the first in the queue is frozen and then gets it.
func (w *faultWorld) freezeHolder() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*testenv.Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.env["DATABASE_URL"])
	if err != nil {
		return false
	}
	defer conn.Close(context.Background())
	watching, err := pgx.Connect(ctx, w.env["DATABASE_URL"])
	if err != nil {
		return false
	}
	defer watching.Close(context.Background())
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard)); err != nil {
		return false
	}
	var port int
	for range 40 { // less than the time for which an api waits before it looks who has the lock
		err = watching.QueryRow(ctx, `SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND NOT granted
			AND application_name = 'ticketing engine' ORDER BY waitstart LIMIT 1`).Scan(&port)
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, m := range w.members {
		if m.name == "api" && port != 0 && m.postgres.Carries(port) && m.mu.TryLock() {
			_ = m.process.Signal(syscall.SIGSTOP)
			_ = tx.Rollback(ctx)
			var holds bool // else it had just given up a try to take the lock
			const has = `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND client_port = $1)`
			measured := watching.QueryRow(ctx, has, port).Scan(&holds) == nil && holds && w.measureTakeover(ctx, watching, port)
			_ = m.process.Signal(syscall.SIGCONT)
			m.mu.Unlock()
			return measured
		}
	}
	_ = tx.Rollback(ctx)
	return false
}

// measureTakeover measures how long apis that have something to append wait for a frozen one. When none has, it ends with the frozen one's session, and
// reports false.
func (w *faultWorld) measureTakeover(ctx context.Context, conn *pgx.Conn, port int) bool {
	const look = `SELECT (SELECT coalesce(max(position), 0) FROM domain_events), count(*) FILTER (WHERE NOT granted) > 0,
			count(*) FILTER (WHERE granted AND client_port = $1) > 0
		FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND application_name = 'ticketing engine'`
	var before, now int64
	var waited, held bool
	var began time.Time
	for held = true; held || !began.IsZero(); time.Sleep(5 * time.Millisecond) { // faults have goroutines of their own, which may not end the test
		if conn.QueryRow(ctx, look, port).Scan(&now, &waited, &held) != nil {
			return false // another fault was faster
		}
		switch {
		case began.IsZero() && waited:
			began, before = time.Now(), now
		case !began.IsZero() && now > before:
			w.takeovers = append(w.takeovers, time.Since(began))
			return true
		case !began.IsZero() && time.Since(began) > testenv.Patience:
			w.t.Error("no api takes the log over from a frozen one")
			return true
		}
	}
	return false
}
