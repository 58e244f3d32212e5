package saga

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
	"ticketing/migrations"
)

func TestOurMigrationIsRivers(t *testing.T) {
	ours, empty := newPool(t), emptyPool(t)
	migrator, err := rivermigrate.New(riverpgxv5.New(empty), nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	for what, query := range map[string]string{
		"columns": `SELECT table_name || ' ' || column_name || ' ' || udt_name || ' ' || is_nullable || ' ' || coalesce(column_default, '')
			|| ' ' || coalesce(character_maximum_length, 0) FROM information_schema.columns WHERE table_name LIKE 'river%' ORDER BY 1`,
		"indexes": `SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'river%' ORDER BY 1`,
		"constraints": `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
			WHERE conrelid::regclass::text LIKE 'river%' ORDER BY 1`,
		"tables":    `SELECT relname || ' ' || relpersistence::text FROM pg_class WHERE relname LIKE 'river%' AND relkind = 'r' ORDER BY 1`,
		"states":    `SELECT enumlabel::text FROM pg_enum ORDER BY enumsortorder`,
		"functions": `SELECT regexp_replace(prosrc, '\s+', ' ', 'g') || provolatile::text FROM pg_proc WHERE proname LIKE 'river%' ORDER BY 1`,
		"versions":  `SELECT line || version FROM river_migration ORDER BY version`,
	} {
		want := texts(t, empty, query)
		require.NotEmpty(t, want, what)
		require.Equal(t, want, texts(t, ours, query), what)
	}
}

func emptyPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return testenv.OpenPool(t, testenv.EmptyDatabase(t))
}

func texts(t *testing.T, pool *pgxpool.Pool, query string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), query)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

func TestAJobThatFailsIsTriedAgainLaterAndLaterAndBecomesVisible(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	d.refund = func(context.Context, string, string) error { return errors.New("the gateway is down") }
	mustRecord(t, pool, start, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}})
	runSaga(t, config(pool, d))
	for failures := 1; failures <= mostAttempts; failures++ {
		waitUntilIdle(t, pool)
		got := jobRows(t, pool)[0]
		require.Equal(t, failures, d.count("refund pay rfd"))
		require.Equal(t, failures, got.Errors)
		require.Equal(t, "the gateway is down", got.LastError)
		require.Equal(t, retryAfter(failures), got.ScheduledAt.Sub(c.Now()), "the pause after failure %d", failures)
		c.Move(retryAfter(failures) - time.Millisecond)
		waitUntilIdle(t, pool)
		c.Move(time.Millisecond)
	}
	m := newMetrics(nil)
	require.NoError(t, m.sampleAll(t.Context(), pool))
	require.Equal(t, 1, int(value(t, m.jobsFailed.WithLabelValues("refund"))))
	d.mutex.Lock()
	d.refund = nil
	d.mutex.Unlock()
	waitUntilIdle(t, pool)
	require.Empty(t, unfinished(t, pool))
}

func TestAJobIsGivenUpAfterThreeDaysAndStaysVisible(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	d.refund = func(context.Context, string, string) error { return errors.New("the gateway is down") }
	mustRecord(t, pool, start, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}})
	mustFollow(t, newTestFollower(t, pool), 1)
	_, err := pool.Exec(t.Context(), `UPDATE river_job SET attempt = max_attempts - 1, errors = array_fill('{"error": "down"}'::jsonb, ARRAY[max_attempts - 1])`)
	require.NoError(t, err)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	require.Equal(t, "discarded", jobRows(t, pool)[0].State)
	require.Equal(t, 1, d.count("refund pay rfd"))
	m := newMetrics(nil)
	require.NoError(t, m.sampleAll(t.Context(), pool))
	require.Equal(t, 1, int(value(t, m.jobsFailed.WithLabelValues("refund"))))
}

func TestAGatewayThatNeedsTimeIsAskedAgainAndThatIsNoFailure(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	d.reconcile = func(context.Context, string) error { return fmt.Errorf("ask: %w", command.ErrStillProcessing) }
	d.refund = func(context.Context, string, string) error { return command.ErrRefundPending }
	mustRecord(t, pool, start, fact{"payment-pay", payment.PaymentProcessing{}}, fact{"payment-other", payment.RefundRequested{RefundID: "rfd"}})
	cfg := config(pool, d)
	c.Move(cfg.reconcileAfter())
	runSaga(t, cfg)
	for age, asked := range []int{1, 2, 3} { // a minute each
		waitUntilIdle(t, pool)
		want := c.Now().Add(recheckAfter(time.Duration(age) * time.Minute))
		left := unfinished(t, pool)
		require.Len(t, left, 2)
		for _, j := range left {
			require.Zero(t, j.Errors, j.Kind)
			require.Equal(t, want, j.ScheduledAt.UTC(), j.Kind)
		}
		require.Equal(t, asked, d.count("reconcile pay"))
		require.Equal(t, asked, d.count("refund other rfd"))
		c.Move(time.Minute)
	}
}

func TestReplicasShareJobsAndDoNothingTwice(t *testing.T) {
	const n, replicas = 1_000, 3
	pool, _ := newTimedPool(t)
	shared := newDouble()
	var doubles [replicas]*double
	for i := range doubles {
		doubles[i] = newDouble()
		doubles[i].refund = func(ctx context.Context, paymentID, refundID string) error {
			return shared.ExecuteRefund(ctx, command.Caller{}, paymentID, refundID)
		}
		runSaga(t, config(pool, doubles[i]))
	}
	mustRecord(t, pool, start, refunds(n)...)
	waitUntilIdle(t, pool)
	require.Len(t, shared.calls, n)
	require.Equal(t, n, shared.total())
	require.Empty(t, shared.overlapping)
	for i, d := range doubles {
		require.NotZero(t, d.total(), "calls by replica %d", i)
	}
}

// refunds returns the requests of n refunds of one payment.
func refunds(n int) []fact {
	facts := make([]fact, n)
	for i := range facts {
		facts[i] = fact{"payment-pay", payment.RefundRequested{RefundID: fmt.Sprint("rfd", i)}}
	}
	return facts
}

func TestAJobOfADeadReplicaIsTakenOver(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start, refunds(2)...)
	mustFollow(t, newTestFollower(t, pool), 2)
	cfg := config(pool, d)
	cfg.Lease = 300 * time.Millisecond
	require.NoError(t, renewReplica(t.Context(), cfg.withDefaults(), "dead")) // once, and never again
	_, err := pool.Exec(t.Context(), `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = $1, attempted_by = '{dead}'`, start)
	require.NoError(t, err)
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	require.Equal(t, 1, d.count("refund pay rfd0"))
	require.Equal(t, 1, d.count("refund pay rfd1"))
}

func TestAJobOfALivingReplicaIsNotTakenOver(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	release := make(chan struct{})
	d.refund = func(context.Context, string, string) error { <-release; return nil }
	cfg := config(pool, d)
	cfg.Lease = 300 * time.Millisecond
	runSaga(t, cfg)
	runSaga(t, cfg)
	mustRecord(t, pool, start, refunds(1)...)
	alive := func() (until time.Time) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT coalesce(min(alive_until), now()) FROM saga_replicas`).Scan(&until))
		return until
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return d.total() == 1, "not begun" })
	first := alive()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		until := alive()
		return until.After(first.Add(3 * cfg.Lease)), fmt.Sprintf("alive until %v, at first %v", until, first)
	})
	close(release)
	waitUntilIdle(t, pool)
	require.Equal(t, 1, d.total())
}

// The connection is cut when a replica has got jobs and does not know it, or has done them and can't say so. It is alive, so no other takes them
// over.
func TestAJobWhoseResponseOrResultWasLostIsDoneAgain(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	cfg := config(pool, d)
	cfg.Lease = 300 * time.Millisecond
	runSaga(t, cfg)
	mustRecord(t, pool, start, refunds(2)...)
	waitUntilIdle(t, pool)
	_, err := pool.Exec(t.Context(), `UPDATE river_job SET state = 'running', finalized_at = NULL, attempted_at = $1,
		attempted_by = ARRAY[(SELECT id FROM saga_replicas)] WHERE state = 'completed'`, start.Add(-time.Minute))
	require.NoError(t, err)
	waitUntilIdle(t, pool)
	require.Equal(t, 2, d.count("refund pay rfd0"))
	require.Equal(t, 2, d.count("refund pay rfd1"))
}

func TestAJobThatPanicsIsTriedAgain(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	d.refund = func(_ context.Context, _, refundID string) error {
		if refundID == "rfd0" && d.count("refund pay rfd0") == 1 {
			panic("out of range")
		}
		return nil
	}
	mustRecord(t, pool, start, refunds(2)...)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	c.Move(time.Second)
	waitUntilIdle(t, pool)
	require.Empty(t, unfinished(t, pool))
	require.Equal(t, 2, d.count("refund pay rfd0"))
	require.Equal(t, 1, d.count("refund pay rfd1"))
}

func TestAnUndecidedPaymentIsAskedAboutUntilItIsDecided(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start, fact{"payment-soon", payment.PaymentInitiated{}}, fact{"payment-pay", payment.PaymentInitiated{}})
	mustRecord(t, pool, start, fact{"payment-soon", payment.PaymentCompleted{}})
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	require.Zero(t, d.total(), "a payment is asked about before it has been undecided for a while")
	c.Move(time.Minute)
	waitUntilIdle(t, pool)
	mustRecord(t, pool, c.Now(), fact{"payment-pay", payment.PaymentProcessing{}}) // undecided again
	waitUntilIdle(t, pool)
	c.Move(time.Minute)
	waitUntilIdle(t, pool)
	require.Equal(t, 2, d.count("reconcile pay"))
	require.Zero(t, d.count("reconcile soon"))
	require.Empty(t, unfinished(t, pool))
}

func TestAPaymentThatSomethingHappenedToIsLeftToTheProcessThatHandlesIt(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start, fact{"payment-pay", payment.PaymentInitiated{}})
	cfg := config(pool, d)
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	c.Move(cfg.reconcileAfter() - time.Second)
	mustRecord(t, pool, c.Now(), fact{"payment-pay", payment.PaymentProcessing{}})
	waitUntilIdle(t, pool)
	c.Move(cfg.reconcileAfter() - time.Millisecond)
	waitUntilIdle(t, pool)
	require.Zero(t, d.total())
	c.Move(time.Millisecond)
	waitUntilIdle(t, pool)
	require.Equal(t, 1, d.count("reconcile pay"))
	require.Empty(t, unfinished(t, pool))
}

func TestEachCustomerOfACancelledEventGetsOneMail(t *testing.T) {
	pool, c := newTimedPool(t)
	d, p := newDouble(), &post{}
	d.holders = []string{"rsv1", "rsv2"}
	d.windUp = func(context.Context, string) error {
		if d.count("wind up evt") == 1 {
			return errors.New("the gateway is down")
		}
		return nil
	}
	mustRecord(t, pool, start, fact{"inventory-evt", inventory.InventoryAdded{}}, fact{"event-evt", event.EventCancelled{}})
	cfg := config(pool, d)
	cfg.Mailer = p
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	c.Move(time.Minute)
	waitUntilIdle(t, pool)
	require.Equal(t, 2, d.count("wind up evt"))
	require.Equal(t, []string{"event_cancelled.rsv1", "event_cancelled.rsv2"}, p.ids())
}

func TestAMailIsRequestedOnceThoughTheLogIsFollowedAgain(t *testing.T) {
	pool, _ := newTimedPool(t)
	d, p := newDouble(), &post{}
	mustRecord(t, pool, start, fact{"reservation-rsv", reservation.ReservationCompleted{}}, fact{"payment-pay", payment.PaymentRefunded{RefundID: "rfd"}})
	cfg := config(pool, d)
	cfg.Mailer = p
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	for _, sql := range []string{`DELETE FROM river_job`, `UPDATE log_incarnation SET incarnation = gen_random_uuid()`} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	waitUntilIdle(t, pool)
	require.Equal(t, []string{"refunded.rfd", "reservation_confirmed.rsv"}, p.ids())
}

func TestAMailIsTriedAgainWhileTheMailServerIsDown(t *testing.T) {
	pool, c := newTimedPool(t)
	d, p := newDouble(), &post{err: errors.New("connection refused")}
	mustRecord(t, pool, start, fact{"reservation-rsv", reservation.ReservationCompleted{}})
	cfg := config(pool, d)
	cfg.Mailer = p
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	left := unfinished(t, pool)
	require.Len(t, left, 1)
	require.Equal(t, "connection refused", left[0].LastError)
	require.Empty(t, p.ids())
	p.mutex.Lock()
	p.err = nil
	p.mutex.Unlock()
	c.Move(time.Minute)
	waitUntilIdle(t, pool)
	require.Empty(t, unfinished(t, pool))
	require.Len(t, p.ids(), 1)
}

func TestACustomerWhoWasErasedGetsNoMail(t *testing.T) {
	pool, _ := newTimedPool(t)
	d, p := newDouble(), &post{}
	mustRecord(t, pool, start, fact{"reservation-rsv", reservation.ReservationCompleted{}})
	cfg := config(pool, d)
	cfg.Mailer, cfg.Address = p, func(context.Context, string) (string, error) { return "", nil }
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	require.Empty(t, unfinished(t, pool))
	require.Empty(t, p.ids())
	require.Equal(t, 1, d.count("purchase rsv"))
}

func TestWorkThatHangsDoesNotDelayOtherKinds(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	release := make(chan struct{})
	d.refund = func(context.Context, string, string) error { <-release; return nil }
	d.expireHold = expires(pool, c)
	mustRecord(t, pool, start, refunds(2*besideGateway)...)
	runSaga(t, config(pool, d))
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return d.total() == besideGateway, fmt.Sprintf("%d refunds are being worked on, want %d", d.total(), besideGateway)
	})
	mustRecord(t, pool, start, holds(100, start)...)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		left := len(deadlineRows(t, pool))
		return left == 0, fmt.Sprintf("%d deadlines are left", left)
	})
	close(release)
	waitUntilIdle(t, pool)
	require.Equal(t, 100+2*besideGateway, d.total())
}

func TestWhatWaitedInTheFormerQueuesBecomesJobs(t *testing.T) {
	pool := newPool(t)
	migrate := func(direction string) {
		t.Helper()
		sql, err := fs.ReadFile(migrations.Events, "0007_one_queue."+direction+".sql")
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), string(sql))
		require.NoError(t, err)
	}
	migrate("down")
	_, err := pool.Exec(t.Context(), `INSERT INTO deadlines (kind, id, due_at, next_at, correlation_id, causation_id, traceparent)
		VALUES ('payment', 'pay', now(), now() + interval '1 minute', 'request', '', ''), ('hold', 'rsv', now(), now(), '', '', '')`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `INSERT INTO webhooks (gateway, event_id, type, transaction_id, payment_id, reversal, traceparent, handled_at)
		VALUES ('stripe', 'waiting', '', '', '', false, '', NULL), ('stripe', 'handled', '', '', '', false, '', now())`)
	require.NoError(t, err)
	for range 2 {
		migrate("up")
		made := jobRows(t, pool)
		require.Len(t, made, 2)
		require.Equal(t, []string{"reconcile", `{"payment_id": "pay"}`, "scheduled"}, []string{made[0].Kind, made[0].Args, made[0].State})
		require.Equal(t, []string{"webhook", `{"gateway": "stripe", "event_id": "waiting"}`, "available"}, []string{made[1].Kind, made[1].Args, made[1].State})
		require.Len(t, deadlineRows(t, pool), 1)
		migrate("down")
		require.Empty(t, jobRows(t, pool))
		require.Len(t, deadlineRows(t, pool), 2)
	}
}

// How often a queue is looked at is most of what a refund or a mail takes.
func TestWhatCustomersWaitForIsLookedForAsOftenAsTheLog(t *testing.T) {
	c := config(nil, newDouble())
	c.Poll = time.Second
	for queue, of := range c.queueConfigs() {
		waited := queue == "refunds" || queue == "mails"
		require.Equal(t, waited, of.FetchPollInterval == c.Poll, queue)
	}
}
