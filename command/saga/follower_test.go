package saga

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

func newTestFollower(t *testing.T, pool *pgxpool.Pool) *follower {
	t.Helper()
	c, m := config(pool, newDouble()).withDefaults(), newMetrics(nil)
	c.clock.set(start)
	client, err := newClient(c, m, "test")
	require.NoError(t, err)
	return newFollower(c, m, client)
}

func in(d time.Duration) time.Time { return start.Add(d) }

func at(d time.Duration) *time.Time { t := in(d); return &t }

func TestDeadlinesFollowFromTheLog(t *testing.T) {
	const (
		rsv = "reservation-rsv_1"
		evt = "event-evt_1"
	)
	initiated := fact{rsv, reservation.ReservationInitiated{ExpiresAt: in(5 * time.Minute)}}
	requested := fact{rsv, reservation.PaymentRequested{PaymentID: "pay_1", ExpiresAt: in(10 * time.Minute)}}
	created := fact{evt, event.EventCreated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(time.Hour), SalesCloseAt: at(2 * time.Hour)}}
	published := fact{evt, event.EventPublished{}}
	opens := row{Kind: SalesOpen, ID: "evt_1", DueAt: in(time.Hour)}
	closes := row{Kind: SalesClose, ID: "evt_1", DueAt: in(2 * time.Hour)}

	pool := newPool(t)
	f := newTestFollower(t, pool)
	for name, test := range map[string]struct {
		log  []fact
		want []row
	}{
		"a hold ends when it expires":       {[]fact{initiated}, []row{{Kind: Hold, ID: "rsv_1", DueAt: in(5 * time.Minute)}}},
		"a payment moves the end of a hold": {[]fact{initiated, requested}, []row{{Kind: Hold, ID: "rsv_1", DueAt: in(10 * time.Minute)}}},
		"a failed attempt leaves the end as it is": {
			[]fact{initiated, requested, {rsv, reservation.PaymentAttemptFailed{}}}, []row{{Kind: Hold, ID: "rsv_1", DueAt: in(10 * time.Minute)}},
		},
		"a completed reservation":     {[]fact{initiated, {rsv, reservation.ReservationCompleted{}}}, nil},
		"a cancelled reservation":     {[]fact{initiated, {rsv, reservation.ReservationCancelled{}}}, nil},
		"an expired reservation":      {[]fact{initiated, {rsv, reservation.ReservationExpired{}}}, nil},
		"a compensated reservation":   {[]fact{initiated, requested, {rsv, reservation.ReservationCompensated{}}}, nil},
		"a draft's sales do not open": {[]fact{created}, nil},
		"a published event's window":  {[]fact{created, published}, []row{closes, opens}},
		"an event without a window":   {[]fact{{evt, event.EventCreated{StartsAt: in(24 * time.Hour)}}, published}, nil},
		"sales without an end end at the start": {
			[]fact{{evt, event.EventCreated{StartsAt: in(24 * time.Hour)}}, published, {evt, event.SalesOpened{}}},
			[]row{{Kind: SalesClose, ID: "evt_1", DueAt: in(24 * time.Hour)}},
		},
		"a window that opened":                   {[]fact{created, published, {evt, event.SalesOpened{}}}, []row{closes}},
		"sales closed by hand do not open again": {[]fact{created, published, {evt, event.SalesOpened{}}, {evt, event.SalesClosed{}}}, nil},
		"sales opened again by hand close with the window": {
			[]fact{created, published, {evt, event.SalesOpened{}}, {evt, event.SalesClosed{}}, {evt, event.SalesOpened{}}}, []row{closes},
		},
		"a window that was moved": {
			[]fact{created, published, {evt, event.EventUpdated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(90 * time.Minute), SalesCloseAt: at(2 * time.Hour)}}},
			[]row{closes, {Kind: SalesOpen, ID: "evt_1", DueAt: in(90 * time.Minute)}},
		},
		"a second phase": {
			[]fact{created, published, {evt, event.SalesOpened{}}, {evt, event.SalesClosed{}}, {evt, event.EventUpdated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(3 * time.Hour)}}},
			[]row{{Kind: SalesOpen, ID: "evt_1", DueAt: in(3 * time.Hour)}},
		},
		"a window extended after it closed": {
			[]fact{
				created, published, {evt, event.SalesOpened{}}, {evt, event.SalesClosed{Scheduled: true}},
				{evt, event.EventUpdated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(-time.Hour), SalesCloseAt: at(3 * time.Hour)}},
			},
			[]row{{Kind: SalesOpen, ID: "evt_1", DueAt: in(-time.Hour)}},
		},
		"a cancelled event":  {[]fact{created, published, {evt, event.EventCancelled{}}}, nil},
		"a completed event":  {[]fact{created, published, {evt, event.EventCompleted{}}}, nil},
		"an inventory's log": {[]fact{{"inventory-evt_1", inventory.SeatsReserved{ReservationID: "rsv_1"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, inSteps := range []bool{false, true} { // following all at once or one by one gives the same
				emptyDatabase(t, pool)
				for i := range test.log {
					mustRecord(t, pool, start, test.log[i])
					if inSteps || i == len(test.log)-1 {
						mustFollow(t, f, -1)
					}
				}
				expectDeadlines(t, pool, test.want)
			}
		})
	}
}

func TestJobsFollowFromTheLog(t *testing.T) {
	const pay = "payment-pay_1"
	requested := fact{pay, payment.RefundRequested{RefundID: "rfd_1"}}
	reconcile := []string{`reconcile {"payment_id": "pay_1"} after 37.5s`} // 30 s, and a quarter of it
	pool := newPool(t)
	f := newTestFollower(t, pool)
	for name, test := range map[string]struct {
		log  []fact
		want []string
	}{
		"a payment that has only begun":         {[]fact{{pay, payment.PaymentInitiated{}}}, reconcile},
		"a payment that is processing":          {[]fact{{pay, payment.PaymentInitiated{}}, {pay, payment.PaymentProcessing{}}}, reconcile},
		"a payment that waits for the customer": {[]fact{{pay, payment.PaymentActionRequired{}}}, reconcile},
		"a payment that succeeded":              {[]fact{{pay, payment.PaymentInitiated{}}, {pay, payment.PaymentCompleted{}}}, nil},
		"a payment that failed":                 {[]fact{{pay, payment.PaymentInitiated{}}, {pay, payment.PaymentFailed{}}}, nil},
		"a refund":                              {[]fact{requested}, []string{`refund {"refund_id": "rfd_1", "payment_id": "pay_1"}`}},
		"a refund that was refused": {
			[]fact{{pay, payment.RefundFailed{RefundID: "rfd_1"}}},
			[]string{
				`mail {"id": "rfd_1", "mail": "refund_failed", "payment_id": "pay_1"} priority 2`,
				`mail {"id": "rfd_1", "mail": "refund_failed_notice", "payment_id": "pay_1"} priority 2`,
			},
		},
		"a refund that came back": {
			[]fact{{pay, payment.RefundSentBack{RefundID: "rfd_1", Attempt: 1}}},
			[]string{
				`mail {"id": "rfd_1/1", "mail": "refund_returned", "payment_id": "pay_1"} priority 2`,
				`mail {"id": "rfd_1/1", "mail": "refund_sent_back", "payment_id": "pay_1"} priority 2`,
			},
		},
		"a dispute": {
			[]fact{{pay, payment.PaymentDisputed{DisputeID: "dp_1"}}},
			[]string{
				`mail {"id": "dp_1", "mail": "dispute_opened", "payment_id": "pay_1"} priority 2`,
				`mail {"id": "dp_1", "mail": "dispute_opened_notice", "payment_id": "pay_1"} priority 2`,
			},
		},
		"a dispute that is decided": {
			[]fact{{pay, payment.DisputeClosed{DisputeID: "dp_1"}}},
			[]string{
				`mail {"id": "dp_1", "mail": "dispute_closed", "payment_id": "pay_1"} priority 2`,
				`mail {"id": "dp_1", "mail": "dispute_closed_notice", "payment_id": "pay_1"} priority 2`,
			},
		},
		"a refund of a cancelled event": {
			[]fact{{pay, payment.RefundRequested{RefundID: "rfd_1", Cause: payment.CauseEventCancelled}}},
			[]string{`refund {"refund_id": "rfd_1", "payment_id": "pay_1"} priority 4`},
		},
		"a refund that was given": {
			[]fact{{pay, payment.PaymentRefunded{RefundID: "rfd_1"}}}, []string{`mail {"id": "rfd_1", "mail": "refunded", "payment_id": "pay_1"} priority 2`},
		},
		"tickets": {
			[]fact{{"reservation-rsv_1", reservation.ReservationCompleted{}}}, []string{`mail {"id": "rsv_1", "mail": "reservation_confirmed"}`},
		},
		"an event that moves": {
			[]fact{{"event-evt_1", event.EventCreated{}}, {"event-evt_1", event.EventUpdated{Was: &event.Place{Venue: "Hall", StartsAt: start, TimeZone: "UTC"}, Reason: "rain"}}},
			[]string{fmt.Sprintf(`event_moved {"move": {"at": %[1]q, "was": {"venue": "Hall", "startsAt": %[1]q, "timeZone": "UTC"}, "first": %[1]q, "reason": "rain"}, "window": %[2]d, "version": 2, "event_id": "evt_1"}`,
				start.Format(time.RFC3339), start.Truncate(moveWindow).Unix())},
		},
		"a change of an event that stays where it is": {[]fact{{"event-evt_1", event.EventCreated{}}, {"event-evt_1", event.EventUpdated{Name: "Gig"}}}, nil},
		"a cancelled event": {
			[]fact{{"event-evt_1", event.EventCreated{}}, {"event-evt_1", event.EventCancelled{}}}, []string{`event_cancelled {"event_id": "evt_1"}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			emptyDatabase(t, pool)
			mustRecord(t, pool, start, test.log...)
			mustFollow(t, f, -1)
			_, err := pool.Exec(t.Context(), `DELETE FROM saga_positions`) // lost: the log is followed again
			require.NoError(t, err)
			mustFollow(t, f, -1)
			var got []string
			for _, j := range jobRows(t, pool) {
				entry := j.Kind + " " + j.Args
				if j.Priority != 1 {
					entry += fmt.Sprint(" priority ", j.Priority)
				}
				if j.State == "scheduled" && j.Kind != "event_moved" { // that depends on when the test runs
					entry += " after " + j.ScheduledAt.Sub(start).String()
				}
				got = append(got, entry)
			}
			require.Equal(t, test.want, got)
		})
	}
}

// emptyDatabase removes the log and all that follows from it.
func emptyDatabase(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `TRUNCATE domain_events, deadlines, river_job, customer_mails, saga_events, saga_aside, saga_positions;
		UPDATE saga_cursor SET complete_at = 0`)
	require.NoError(t, err)
}

func mustFollow(t *testing.T, f *follower, want int) {
	t.Helper()
	n, err := f.followNext(t.Context())
	require.NoError(t, err)
	if want >= 0 {
		require.Equal(t, want, n)
	}
}

// expectDeadlines compares which deadlines are due when.
func expectDeadlines(t *testing.T, pool *pgxpool.Pool, want []row) {
	t.Helper()
	var got []row
	for _, d := range deadlineRows(t, pool) {
		require.Equal(t, d.DueAt, d.NextAt, "%s %s", d.Kind, d.ID)
		got = append(got, row{Kind: d.Kind, ID: d.ID, DueAt: d.DueAt.UTC()})
	}
	require.Equal(t, want, got)
}

func TestCursorAndConsequencesMoveTogetherOrNotAtAll(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	mustRecord(t, pool, start, holds(3, start)...)
	mustRecord(t, pool, start, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}}, fact{"reservation-rsv", reservation.ReservationCompleted{}})
	stop := errors.New("killed")
	for name, end := range map[string]func(cancel func()) error{
		"rolled back":     func(func()) error { return stop },
		"connection lost": func(cancel func()) error { cancel(); return nil },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			n, err := f.applyNext(ctx, tx)
			require.NoError(t, err, name)
			require.Equal(t, 5, n, name)
			return end(cancel)
		})
		require.Error(t, err, name)
		require.Empty(t, deadlineRows(t, pool), name)
		require.Empty(t, jobRows(t, pool), name)
		cancel()
		_, err = pool.Exec(t.Context(), `SELECT FROM saga_cursor FOR UPDATE`) // waits until the server has noticed
		require.NoError(t, err)
	}
	mustFollow(t, f, 5)
	require.Len(t, deadlineRows(t, pool), 3)
	require.Len(t, jobRows(t, pool), 2)
	mustFollow(t, f, 0)
}

func TestOneReplicaFollowsAtATime(t *testing.T) {
	pool := newPool(t)
	mustRecord(t, pool, start, holds(1, start)...)
	first, second := newTestFollower(t, pool), newTestFollower(t, pool)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := first.applyNext(t.Context(), tx); err != nil {
			return err
		}
		_, err := second.followNext(t.Context())
		require.ErrorIs(t, err, errStandby)
		return nil
	})
	require.NoError(t, err)
	mustFollow(t, second, 0)
}

const killSQL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'killed' AND datname = current_database()`

func TestFollowersThatAreKilledFollowEachDomainEventOnce(t *testing.T) {
	const n = 8 * batchSize
	pool := newPool(t)
	mustRecord(t, pool, start, holds(n, start)...)
	killed, err := pgxpool.ParseConfig(pool.Config().ConnString())
	require.NoError(t, err)
	killed.ConnConfig.RuntimeParams["application_name"] = "killed"
	victims, err := pgxpool.NewWithConfig(t.Context(), killed)
	require.NoError(t, err)
	defer victims.Close()

	ctx, cancel := context.WithCancel(t.Context())
	var replicas sync.WaitGroup
	for range 2 {
		f := newTestFollower(t, victims)
		replicas.Go(func() {
			for ctx.Err() == nil {
				_ = f.catchUp(ctx) // fails when it is killed
			}
		})
	}
	var killedAt int64
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		position := expectDense(t, pool)
		if position > killedAt { // in the middle of the next batch
			killedAt = position
			_, err := pool.Exec(t.Context(), killSQL)
			require.NoError(t, err)
		}
		return position == n, fmt.Sprintf("followed to %d of %d", position, n)
	})
	cancel()
	replicas.Wait()
	for _, d := range deadlineRows(t, pool) {
		require.Zero(t, d.Revision, "%s was followed more than once", d.ID)
	}
}

// expectDense requires a deadline for each domain event up to the cursor, since the log has only holds, and returns the cursor.
func expectDense(t *testing.T, pool *pgxpool.Pool) (position int64) {
	t.Helper()
	var deadlines int64
	err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM deadlines), `+positionSQL).Scan(&deadlines, &position)
	require.NoError(t, err)
	require.Equal(t, position, deadlines, "deadlines at this position")
	return position
}

func TestAnotherIncarnationOfTheLogIsFollowedFromItsStart(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	mustRecord(t, pool, start, holds(3, start)...)
	mustFollow(t, f, 3)
	for _, sql := range []string{ // a restore that lost the last hold
		`DELETE FROM domain_events WHERE position = 3`, `UPDATE log_incarnation SET incarnation = gen_random_uuid()`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	mustFollow(t, f, 2)
	expectDeadlines(t, pool, []row{{Kind: Hold, ID: holdID(0), DueAt: start}, {Kind: Hold, ID: holdID(1), DueAt: start}})
}

func TestNothingIsWorkedOnBeforeTheLogWasFollowedOnce(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	mustRecord(t, pool, start, holds(batchSize, start)...)
	mustRecord(t, pool, start, fact{reservation.Stream(holdID(0)), reservation.ReservationCompleted{}})
	c := deadlineTable{pool: pool, kind: Hold, lease: time.Minute}
	mustFollow(t, f, batchSize)
	claimed, err := c.claimDue(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, claimed, "some of them have ended")
	mustFollow(t, f, 1)
	claimed, err = c.claimDue(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, claimed, 10)
}

// A backup, or a query that runs for hours, keeps an old snapshot open. What became of a row since then is not cleaned up, and must not be read.
func TestAnOldSnapshotDoesNotMakeTheCursorSlower(t *testing.T) {
	pool := newPool(t)
	old, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	defer old.Rollback(t.Context())
	_, err = old.Exec(t.Context(), `SELECT count(*) FROM saga_cursor`)
	require.NoError(t, err)
	const moves = 2_000
	for from := range int64(moves) {
		b := &pgx.Batch{}
		moveCursor(b, from, from+1)
		require.NoError(t, pool.SendBatch(t.Context(), b).Close())
	}
	var position int64
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT `+positionSQL).Scan(&position))
	require.EqualValues(t, moves, position)
	plan := strings.Join(texts(t, pool, `EXPLAIN (ANALYZE, BUFFERS, COSTS off) SELECT `+positionSQL), "\n")
	read := regexp.MustCompile(`hit=(\d+)`).FindStringSubmatch(plan)
	require.NotEmpty(t, read, plan)
	pages, err := strconv.Atoi(read[1])
	require.NoError(t, err)
	require.Less(t, pages, 8, plan)
}
