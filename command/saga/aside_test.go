package saga

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// rename gives a type of domain events another name: one that this build does not know, or the one that a newer build knows.
func rename(t *testing.T, pool *pgxpool.Pool, streamID, from, to string) {
	t.Helper()
	tag, err := pool.Exec(t.Context(), `UPDATE domain_events SET type = $3 WHERE stream_id = $1 AND type = $2`, streamID, from, to)
	require.NoError(t, err)
	require.NotZero(t, tag.RowsAffected())
}

func asideStreams(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return texts(t, pool, `SELECT stream_id || ' ' || version FROM saga_aside ORDER BY stream_id`)
}

// In a deployment a saga may read domain events of an api that is newer.
func TestAStreamThatThisBuildDoesNotKnowWaitsAndOthersGoOn(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	mustRecord(t, pool, start,
		fact{"reservation-new", reservation.ReservationInitiated{ExpiresAt: start}},
		fact{"reservation-new", reservation.PaymentRequested{ExpiresAt: in(time.Minute)}},
		fact{"reservation-new", reservation.ReservationCompleted{}},
		fact{"reservation-known", reservation.ReservationInitiated{ExpiresAt: start}},
		fact{"event-new", event.EventCreated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(time.Hour), SalesCloseAt: at(2 * time.Hour)}},
		fact{"event-new", event.EventPublished{}},
		fact{"event-new", event.EventCancelled{}},
		fact{"payment-new", payment.RefundRequested{RefundID: "rfd"}},
		fact{"payment-known", payment.RefundRequested{RefundID: "rfd_known"}},
	)
	rename(t, pool, "reservation-new", "PaymentRequested", "PaymentPromised")
	rename(t, pool, "event-new", "EventPublished", "EventWhispered")
	rename(t, pool, "payment-new", "RefundRequested", "RefundPromised")
	mustFollow(t, f, 9)
	mustRecord(t, pool, start, fact{"reservation-known", reservation.PaymentRequested{ExpiresAt: in(time.Minute)}}, fact{"payment-new", payment.PaymentInitiated{}})
	mustFollow(t, f, 2)
	require.Equal(t, []string{"event-new 2", "payment-new 1", "reservation-new 2"}, asideStreams(t, pool))
	hold := func(id string, d time.Duration) row { return row{Kind: Hold, ID: id, DueAt: in(d)} }
	expectDeadlines(t, pool, []row{hold("known", time.Minute), hold("new", 0)})
	require.Len(t, jobRows(t, pool), 1, "of the known payment's refund")
	m := newMetrics(nil)
	require.NoError(t, m.sampleAll(t.Context(), pool))
	require.Equal(t, 3, int(value(t, m.aside)))
	windingUp, err := ReadWindingUp(t.Context(), pool)
	require.NoError(t, err)
	require.True(t, windingUp("new", 7), "its cancellation is not followed yet")

	require.NoError(t, f.retryAside(t.Context()))
	require.Len(t, asideStreams(t, pool), 3, "this build knows no more than before")

	rename(t, pool, "reservation-new", "PaymentPromised", "PaymentRequested")
	rename(t, pool, "event-new", "EventWhispered", "EventPublished")
	require.NoError(t, f.retryAside(t.Context()))
	require.Equal(t, []string{"payment-new 1"}, asideStreams(t, pool))
	expectDeadlines(t, pool, []row{hold("known", time.Minute)})
	require.Len(t, jobRows(t, pool), 3, "the mail and the winding up too")
	mustRecord(t, pool, start, fact{"reservation-new", reservation.ReservationInitiated{ExpiresAt: in(time.Hour)}})
	mustFollow(t, f, 1)
	expectDeadlines(t, pool, []row{hold("known", time.Minute), hold("new", time.Hour)})
}

func TestALongStreamThatWaitedIsFollowedInBoundedSteps(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	const n = 2*batchSize + 1
	facts := []fact{{"reservation-new", reservation.ReservationInitiated{ExpiresAt: start}}}
	for i := range n - 1 {
		facts = append(facts, fact{"reservation-new", reservation.PaymentRequested{ExpiresAt: in(time.Duration(i) * time.Second)}})
	}
	mustRecord(t, pool, start, facts...)
	rename(t, pool, "reservation-new", "ReservationInitiated", "ReservationPromised")
	require.NoError(t, f.catchUp(t.Context()))
	require.Empty(t, deadlineRows(t, pool))
	rename(t, pool, "reservation-new", "ReservationPromised", "ReservationInitiated")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		more, err := f.followAside(t.Context(), tx, "reservation-new")
		require.True(t, more)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, []string{"reservation-new 1001"}, asideStreams(t, pool))
	require.NoError(t, f.retryAside(t.Context()))
	require.Empty(t, asideStreams(t, pool))
	expectDeadlines(t, pool, []row{{Kind: Hold, ID: "new", DueAt: in((n - 2) * time.Second)}})
}

func TestAChangedEventIsNotReadFromItsStart(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	mustRecord(t, pool, start, fact{"event-evt", event.EventCreated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(time.Hour)}}, fact{"event-evt", event.EventPublished{}})
	mustFollow(t, f, 2)
	mustRecord(t, pool, start, fact{"event-evt", event.SalesOpened{}})
	_, err := pool.Exec(t.Context(), `DELETE FROM domain_events WHERE position < 3`)
	require.NoError(t, err)
	mustFollow(t, f, 1)
	expectDeadlines(t, pool, []row{{Kind: SalesClose, ID: "evt", DueAt: in(24 * time.Hour)}})
}

// After the migration, and beside a build of another format, the states of events lack what was followed before.
func TestStatesThatAreBehindAreFoldedInBoundedSteps(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	facts := []fact{{"event-evt", event.EventCreated{StartsAt: in(24 * time.Hour)}}, {"event-evt", event.EventPublished{}}}
	for i := range 2 * batchSize {
		facts = append(facts, fact{"event-evt", event.EventUpdated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(time.Duration(i) * time.Second)}})
	}
	mustRecord(t, pool, start, facts...)
	require.NoError(t, f.catchUp(t.Context()))
	_, err := pool.Exec(t.Context(), `UPDATE saga_events SET format = 'old', version = 7, folded_at = now() - interval '2 days'`)
	require.NoError(t, err)
	mustRecord(t, pool, start, fact{"event-evt", event.SalesOpened{}})
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := f.applyNext(t.Context(), tx)
		return err
	})
	require.ErrorContains(t, err, "behind")
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		more, err := f.foldPage(t.Context(), tx, "evt", 2*batchSize+2)
		require.True(t, more)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, []string{eventFormat + " 1000"}, texts(t, pool, `SELECT format || ' ' || version FROM saga_events`))
	mustFollow(t, f, 1)
	require.Equal(t, []string{eventFormat + " 2003"}, texts(t, pool, `SELECT format || ' ' || version FROM saga_events`))
	expectDeadlines(t, pool, []row{{Kind: SalesClose, ID: "evt", DueAt: in(24 * time.Hour)}})
}

func TestAnEventThatLacksADomainEventWaits(t *testing.T) {
	pool := newPool(t)
	f := newTestFollower(t, pool)
	mustRecord(t, pool, start, fact{"event-evt", event.EventCreated{StartsAt: in(24 * time.Hour)}}, fact{"event-evt", event.EventPublished{}})
	mustFollow(t, f, 2)
	_, err := pool.Exec(t.Context(), `DELETE FROM saga_events; DELETE FROM domain_events WHERE position = 1`)
	require.NoError(t, err)
	mustRecord(t, pool, start, fact{"event-evt", event.SalesOpened{}}, holds(1, start)[0])
	mustFollow(t, f, 2)
	require.Equal(t, []string{"event-evt 1"}, asideStreams(t, pool))
	require.Len(t, deadlineRows(t, pool), 1, "of the hold")
}
