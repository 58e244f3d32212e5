package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

const readAtVersion = `query($id: ID!, $v: Int) { reservation(id: $id, minVersion: $v) { version } }`

func TestWithoutMinVersionAReadIsOneQuery(t *testing.T) {
	t.Parallel()
	a := newLiveAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	header := a.as(me)
	for _, v := range []vars{{"id": r.ID}, {"id": r.ID, "v": 0}, {"id": r.ID, "v": 1}} {
		before := a.reads.called("Reservations")
		require.Empty(t, a.do(readAtVersion, v, header...).Errors)
		require.Equal(t, 1, a.reads.called("Reservations")-before, v)
	}
	channels, err := a.redis.PubSubChannels(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Empty(t, channels, "nobody listens for what is there")
}

// Without Redis nothing is announced: what came meanwhile is found all the same, and late at worst.
func TestMinVersionIsFoundWithoutAnnouncements(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := newUser()
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), me)
	header := a.as(me)
	answered := make(chan answer, 1)
	go func() { answered <- a.do(readAtVersion, vars{"id": r.ID, "v": 2}, header...) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return a.reads.called("Reservations") >= 2, "it does not wait yet" })
	a.reads.set(func() {
		r.Version = 2
		a.reads.reservations[r.ID] = r
	})
	got := <-answered
	require.Empty(t, got.Errors, got.body)
	require.EqualValues(t, 2, got.Data["reservation"].(map[string]any)["version"])
	require.LessOrEqual(t, a.reads.called("Reservations"), 5, "it looks when there is a reason to, not in a loop")
}

func TestVersionsOfOthersAreNotTold(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	r := a.reads.addReservation(a.reads.addEvent(newUser(), "SALES_OPEN"), newUser())
	stranger := a.as(newUser())
	for _, version := range []int{1, 2, 1000} {
		require.Equal(t, "FORBIDDEN", a.do(readAtVersion, vars{"id": r.ID, "v": version}, stranger...).code())
	}
	require.Equal(t, 3, a.reads.called("Reservations"), "nothing was waited for")
}
