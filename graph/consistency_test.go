package graph_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/testenv"
)

const report = `{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q") { tickets } }`

const reservedVersion = `query($id: ID!) { reservation(id: $id) { version } }`

func TestWhatTheLogHasIsNeverNotFound(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	eventID := a.openSales(organizer)
	me := a.as(newUser())
	reservationID := a.reserve(eventID, me)
	for query, v := range map[string]vars{
		reservedVersion: {"id": reservationID},
		`query($id: ID!) { node(id: $id) { id } }`:                                {"id": reservationID},
		`query($id: ID!) { event(id: $id) { id } }`:                               {"id": eventID},
		`query($id: ID!) { event(id: $id, minVersion: 1) { sections { name } } }`: {"id": eventID},
	} {
		require.Equal(t, "READ_BEHIND", a.do(query, v, me...).code(), query)
	}
	w := a.listen(`subscription($id: ID!) { reservationStatus(id: $id) { version } }`, vars{"id": reservationID}, me...)
	require.Contains(t, w.next().data, "READ_BEHIND")

	require.Equal(t, "NOT_FOUND", a.do(reservedVersion, vars{"id": id.New(id.Reservation)}, me...).code())
	require.Empty(t, a.do(`query($id: ID!) { event(id: $id) { id } }`, vars{"id": id.New(id.Event)}, me...).Errors)
}

func TestAnEventReadAtAVersionHasTheInventoryOfTheLog(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizerID := newUser()
	organizer := a.as(organizerID, auth.RoleOrganizer)
	eventID := a.openSales(organizer)
	a.exec(`INSERT INTO events (id, version, organizer_id, name, venue, starts_at, max_tickets_per_reservation, payment_attempts, status, created_at, description, search)
		VALUES ($1, 3, $2, 'n', 'v', now(), 8, 3, 'SALES_OPEN', now(), '', '')`, eventID, organizerID)
	const names = `query($id: ID!) { event(id: $id, minVersion: 3) { name } }`
	const sections = `query($id: ID!) { event(id: $id, minVersion: 3) { inventoryVersion sections { name } } }`
	require.Empty(t, a.do(names, vars{"id": eventID}).Errors, "nothing is waited for that is not read")
	require.Equal(t, "READ_BEHIND", a.do(sections, vars{"id": eventID}).code())
	a.exec(`INSERT INTO inventories VALUES ($1, 2)`, eventID)
	a.exec(`INSERT INTO sections SELECT $1, 'Floor', 0, 100, 'EUR', false, 3, 3, 0, 0`, eventID)
	require.EqualValues(t, 2, a.do(sections, vars{"id": eventID}).field(t, "event")["inventoryVersion"])
}

func TestAMutationReturnsAConsistencyToken(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	got := a.do(`mutation { createEvent(input: {name: "A night", venue: "A hall", startsAt: "2099-12-31T20:00:00Z"}) { event { id } } }`, nil, organizer...)
	token := got.header.Get("Consistency-Token")
	require.NotEmpty(t, token, got.body)
	require.Contains(t, got.body, `"extensions":{"consistencyToken":"`+token+`"}`)

	const list = `{ events { nodes { id } } }`
	require.Empty(t, a.do(list, nil, organizer...).Errors)
	a.publishAll()
	require.Empty(t, a.do(list, nil, append(organizer, "Consistency-Token", token)...).Errors, "the projections have what is published")
	require.Equal(t, "BAD_USER_INPUT", a.do(list, nil, append(organizer, "Consistency-Token", "x")...).code())
}

func TestATokenIsWaitedForAndOnlyWhereItConcerns(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := a.as(newUser(), auth.RoleOrganizer)
	a.publishAll()
	got := a.do(`mutation { createEvent(input: {name: "A night", venue: "A hall", startsAt: "2099-12-31T20:00:00Z"}) { event { id } } }`, nil, me...)
	with := append(slices.Clone(me), "Consistency-Token", got.header.Get("Consistency-Token"))
	require.Empty(t, a.do(`{ me { id } }`, nil, with...).Errors, "users are not behind")
	require.Equal(t, "READ_BEHIND", a.do(report, nil, with...).code())

	done := make(chan response, 1)
	go func() { done <- a.do(report, nil, with...) }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { a.publishAll(); return len(done) == 1, "it waits" })
	require.NotEqual(t, "READ_BEHIND", (<-done).code())
}

// publishAll notes that the whole log is published, to no partition that a projection lacks.
func (a *api) publishAll() {
	a.t.Helper()
	_, err := a.write.Pool.Exec(a.t.Context(), `INSERT INTO relay_cursor (shard, incarnation, position)
		SELECT 0, (SELECT incarnation FROM log_incarnation WHERE shard = 0), (SELECT coalesce(max(position), 0) FROM domain_events)
		ON CONFLICT (shard) DO UPDATE SET position = excluded.position`)
	require.NoError(a.t, err)
}
