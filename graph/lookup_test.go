package graph_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/announce"
	"ticketing/internal/testenv"
)

const readAtVersion = `query($id: ID!, $v: Int) { reservation(id: $id, minVersion: $v) { version } }`

func TestAReadOfAKnownVersionIsOneQuery(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	header := a.as(me)
	for _, v := range []vars{{"id": r.ID}, {"id": r.ID, "v": 0}, {"id": r.ID, "v": 1}} {
		before := a.queries.count("name: ReservationsByID")
		require.Empty(t, a.do(readAtVersion, v, header...).Errors)
		require.Equal(t, 1, a.queries.count("name: ReservationsByID")-before, v)
	}
	channel := announce.Channel(announce.Reservation, r.ID)
	subscribers, err := a.redis.PubSubNumSub(t.Context(), channel).Result()
	require.NoError(t, err)
	require.Zero(t, subscribers[channel], "no subscription for a version that is there")
}

// An announcement may be lost: the new version is then found a moment later.
func TestMinVersionIsFoundWithoutAnnouncements(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	header := a.as(me)
	responded := make(chan response, 1)
	go func() { responded <- a.do(readAtVersion, vars{"id": r.ID, "v": 2}, header...) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return a.queries.count("name: ReservationsByID") >= 2, "it does not wait yet" })
	a.setReservation(r, 2, "COMPLETED")
	got := <-responded
	require.Empty(t, got.Errors, got.body)
	require.EqualValues(t, 2, got.Data["reservation"].(map[string]any)["version"])
	require.LessOrEqual(t, a.queries.count("name: ReservationsByID"), 5, "it does not poll")
}

func TestAStrangerLearnsNoVersion(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), newUser())
	stranger := a.as(newUser())
	for _, version := range []int{1, 2, 1000} {
		require.Equal(t, "FORBIDDEN", a.do(readAtVersion, vars{"id": r.ID, "v": version}, stranger...).code())
	}
	require.Equal(t, 3, a.queries.count("name: ReservationsByID"), "nothing was waited for")
}

func TestMinVersionWaitsForTheAnnouncement(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
	header := a.as(me)
	require.EqualValues(t, 1, a.do(readAtVersion, vars{"id": r.ID, "v": 1}, header...).Data["reservation"].(map[string]any)["version"])

	responded := make(chan response, 1)
	go func() { responded <- a.do(readAtVersion, vars{"id": r.ID, "v": 3}, header...) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return a.queries.count("name: ReservationsByID") >= 3, "it does not wait yet" })
	a.announceReservation(r, 2, "PAYMENT_PENDING")
	a.announceReservation(r, 3, "COMPLETED")
	require.EqualValues(t, 3, (<-responded).Data["reservation"].(map[string]any)["version"])

	before, began := a.queries.count("name: ReservationsByID"), time.Now()
	require.Equal(t, "READ_BEHIND", a.do(readAtVersion, vars{"id": r.ID, "v": 9}, header...).code())
	require.LessOrEqual(t, a.queries.count("name: ReservationsByID")-before, 4+int(time.Since(began).Seconds()), "it waits for the announcement and does not poll")
	require.Equal(t, "BAD_USER_INPUT", a.do(readAtVersion, vars{"id": r.ID, "v": -1}, header...).code())
}
