package test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestObjectsOfOtherUsersAreRefused(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice, bob := s.admin(), s.customer("alice"), s.customer("bob")
	visitor := &client{t: t, url: s.url}
	id := onSale(t, organizer, 100, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	p := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
	require.NotNil(t, alice.readReservation(r.ID, p.Reservation.Version))
	require.NotNil(t, alice.readPayment(p.Payment.ID, p.Payment.Version))

	byID := map[string]string{
		`query($id: ID!) { reservation(id: $id) { id } }`: r.ID,
		`query($id: ID!) { payment(id: $id) { id } }`:     p.Payment.ID,
	}
	for query, id := range byID {
		require.Equal(t, "FORBIDDEN", bob.requireError(query, vars{"id": id}))
		require.Equal(t, "UNAUTHENTICATED", visitor.requireError(query, vars{"id": id}))
		require.Equal(t, "BAD_USER_INPUT", bob.requireError(query, vars{"id": "nonsense"}))
		missing := id[:4] + "01h455vb4pex5vsknk084sn02q"
		require.Equal(t, "NOT_FOUND", bob.requireError(query, vars{"id": missing}))
	}
	mutations := map[string]vars{
		`mutation($i: CancelReservationInput!) { cancelReservation(input: $i) { reservation { id } } }`: {"reservationId": r.ID, "idempotencyKey": newKey()},
		`mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { payment { id } } }`: {
			"reservationId": r.ID, "idempotencyKey": newKey(), "method": vars{"card": vars{"token": "pm_card_visa"}}},
		`mutation($i: ConfirmPaymentInput!) { confirmPayment(input: $i) { payment { id } } }`: {"paymentId": p.Payment.ID, "idempotencyKey": newKey()},
		`mutation($i: EventIDInput!) { closeSales(input: $i) { event { id } } }`:              {"eventId": id},
		`mutation($i: CreateEventInput!) { createEvent(input: $i) { event { id } } }`:         {"name": "x", "venue": "y", "startsAt": "2040-01-01T00:00:00Z"},
	}
	for mutation, input := range mutations {
		require.Equal(t, "FORBIDDEN", bob.requireError(mutation, vars{"i": input}), mutation)
		require.Equal(t, "UNAUTHENTICATED", visitor.requireError(mutation, vars{"i": input}), mutation)
	}
	stale := &client{t: t, url: s.url, token: "nonsense"}
	require.Equal(t, "UNAUTHENTICATED", stale.requireError(`{ me { id } }`, nil))
}

func TestOnlyTheOrganizerSeesADraft(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	draft := requireAccepted(t, organizer.createEvent(vars{"name": "Secret plans"})).Event
	awaitEventStatus(t, organizer, draft.ID, "DRAFT")
	require.Nil(t, alice.readEvent(draft.ID))
	list := `{ events(first: 100) { nodes { id } } }`
	var seen struct {
		Events struct{ Nodes []struct{ ID string } }
	}
	alice.mustExecute(list, nil, &seen)
	for _, e := range seen.Events.Nodes {
		require.NotEqual(t, draft.ID, e.ID)
	}
	requireRejected(t, alice.reserveSeats(draft.ID, bestSeats("Floor", 1)), "NOT_FOUND", "eventId")
}

func TestADraftThatIsCancelledOrDeletedIsNeverPublic(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	cancelled := requireAccepted(t, organizer.createEvent(vars{"name": "Secret plans"})).Event.ID
	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": cancelled}))
	awaitEventStatus(t, organizer, cancelled, "CANCELLED")
	require.Nil(t, alice.readEvent(cancelled))

	deleted := requireAccepted(t, organizer.createEvent(vars{"name": "Secret plans"})).Event.ID
	awaitEventStatus(t, organizer, deleted, "DRAFT")
	got := requireAccepted(t, organizer.eventAction("deleteDraft", deleted))
	require.Nil(t, got.Event)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return organizer.readEvent(deleted) == nil, "the draft is still there" })
	requireRejected(t, organizer.eventAction("deleteDraft", deleted), "NOT_FOUND", "eventId")
	requireRejected(t, organizer.eventAction("publishEvent", deleted), "NOT_FOUND", "eventId")

	public := requireAccepted(t, organizer.createEvent(nil)).Event.ID
	requireAccepted(t, organizer.eventAction("publishEvent", public))
	requireRejected(t, organizer.eventAction("deleteDraft", public), "INVALID_STATE")
}

func TestInvalidInputNamesItsFieldAndAppendsNothing(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, vars{"maxTicketsPerReservation": 4, "maxTicketsPerCustomer": 5})
	unknown := "evt_01h455vb4pex5vsknk084sn02q"
	before := s.logLength()
	for name, tc := range map[string]struct {
		answer payload
		code   string
		field  string
	}{
		"malformed event id": {alice.reserveSeats("nonsense", bestSeats("Floor", 1)), "INVALID", "eventId"},
		"unknown event":      {alice.reserveSeats(unknown, bestSeats("Floor", 1)), "NOT_FOUND", "eventId"},
		"no items":           {alice.reserveSeats(id), "INVALID", "items"},
		"negative quantity":  {alice.reserveSeats(id, bestSeats("Floor", -1)), "INVALID", "items.0.quantity"},
		"zero quantity":      {alice.reserveSeats(id, bestSeats("Floor", 0)), "INVALID", "items.0.quantity"},
		"huge quantity":      {alice.reserveSeats(id, bestSeats("Floor", 2_000_000_000)), "LIMIT_EXCEEDED", "items.0.quantity"},
		"over the limit":     {alice.reserveSeats(id, bestSeats("Floor", 3), bestSeats("Stalls", 2)), "LIMIT_EXCEEDED", "items.1.quantity"},
		"unknown section":    {alice.reserveSeats(id, bestSeats("Floor", 1), bestSeats("Moon", 1)), "NOT_FOUND", "items.1.section"},
		"unknown seat":       {alice.reserveSeats(id, namedSeats("Stalls", "A-1", "Z-1")), "SEAT_UNAVAILABLE", "items.0.seats.1"},
		"seat twice":         {alice.reserveSeats(id, namedSeats("Stalls", "A-1", "A-1")), "INVALID", "items.0.seats.1"},
		"seats of the floor": {alice.reserveSeats(id, namedSeats("Floor", "A-1")), "INVALID", "items.0.seats"},
		"neither":            {alice.reserveSeats(id, vars{"section": "Floor"}), "INVALID", "items.0"},
		"both":               {alice.reserveSeats(id, vars{"section": "Stalls", "quantity": 1, "seats": []string{"A-1"}}), "INVALID", "items.0"},

		"name empty":          {organizer.createEvent(vars{"name": ""}), "INVALID", "name"},
		"name too long":       {organizer.createEvent(vars{"name": strings.Repeat("x", 201)}), "INVALID", "name"},
		"starts in the past":  {organizer.createEvent(vars{"startsAt": "2020-01-01T00:00:00Z"}), "INVALID", "startsAt"},
		"window after start":  {organizer.createEvent(vars{"salesOpenAt": "2041-01-01T00:00:00Z"}), "INVALID", "salesOpenAt"},
		"limit of nothing":    {organizer.createEvent(vars{"maxTicketsPerReservation": 0}), "INVALID", "maxTicketsPerReservation"},
		"section exists":      {organizer.addInventory(id, "Floor", "1.00", vars{"capacity": 1}), "INVALID", "section"},
		"capacity of nothing": {organizer.addInventory(id, "New", "1.00", vars{"capacity": 0}), "INVALID", "capacity"},
		"price not a number":  {organizer.addInventory(id, "New", "1,00", vars{"capacity": 1}), "INVALID", "price.amount"},
		"price too exact":     {organizer.addInventory(id, "New", "1.001", vars{"capacity": 1}), "INVALID", "price.amount"},
		"second currency": {organizer.addInventory(id, "New", "1.00", vars{"capacity": 1, "price": vars{"amount": "1.00", "currencyCode": "USD"}}),
			"INVALID", "price.currencyCode"},
		"no currency": {organizer.addInventory(id, "New", "1.00", vars{"capacity": 1, "price": vars{"amount": "1.00", "currencyCode": "XYZ"}}),
			"INVALID", "price.currencyCode"},
		"unknown reservation":   {alice.cancelReservation("rsv_01h455vb4pex5vsknk084sn02q"), "NOT_FOUND", "reservationId"},
		"malformed reservation": {alice.payByCard("rsv_!", "pm_card_visa"), "INVALID", "reservationId"},
		"card number":           {alice.payByCard("rsv_01h455vb4pex5vsknk084sn02q", "4242 4242 4242 4242"), "INVALID", "method.card.token"},
	} {
		require.Len(t, tc.answer.UserErrors, 1, name)
		got := tc.answer.UserErrors[0]
		require.Equal(t, tc.code, got.Code, "%s: %s", name, got.Message)
		require.Equal(t, tc.field, strings.Join(got.Field, "."), "%s: %s", name, got.Message)
		require.NotEmpty(t, got.Message, name)
	}
	require.Equal(t, before, s.logLength(), "nothing may be appended")
}

func TestLimitsPerCustomerHoldAcrossReservations(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 100, vars{"maxTicketsPerReservation": 4, "maxTicketsPerCustomer": 5})
	requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 3)))
	requireRejected(t, alice.reserveSeats(id, bestSeats("Stalls", 3)), "LIMIT_EXCEEDED")
	requireAccepted(t, alice.reserveSeats(id, bestSeats("Stalls", 2)))
	requireRejected(t, alice.reserveSeats(id, bestSeats("Floor", 1)), "LIMIT_EXCEEDED")
	requireAccepted(t, s.customer("bob").reserveSeats(id, bestSeats("Floor", 4)))
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 100, nil)
	k := newKey()
	first := requireAccepted(t, alice.reserveSeatsWithKey(k, id, bestSeats("Floor", 2))).Reservation
	again := requireAccepted(t, alice.reserveSeatsWithKey(k, id, bestSeats("Floor", 2))).Reservation
	require.Equal(t, first.ID, again.ID)
	requireRejected(t, alice.reserveSeatsWithKey(k, id, bestSeats("Floor", 3)), "IDEMPOTENCY_KEY_REUSED")
	other := requireAccepted(t, s.customer("bob").reserveSeatsWithKey(k, id, bestSeats("Floor", 2))).Reservation
	require.NotEqual(t, first.ID, other.ID, "keys belong to their caller")
	require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", alice.requireError(
		`mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } } }`, vars{"i": vars{"eventId": id, "items": []vars{bestSeats("Floor", 1)}}}))

	pay := newKey()
	paid := requireAccepted(t, alice.payByCardWithKey(pay, first.ID, "pm_card_visa"))
	replayed := requireAccepted(t, alice.payByCardWithKey(pay, first.ID, "pm_card_visa"))
	require.Equal(t, paid.Payment.ID, replayed.Payment.ID)
	require.Equal(t, "COMPLETED", replayed.Payment.Status)
	requireRejected(t, alice.payByCard(first.ID, "pm_card_visa"), "INVALID_STATE")
}

func TestAPaymentCanBeRetriedAfterAnOutageOfTheGateway(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 100, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	k := newKey()
	down := alice.payByCardWithKey(k, r.ID, "pm_sandbox_unavailable")
	requireRejected(t, down, "GATEWAY_UNAVAILABLE")
	require.Equal(t, "SEATS_RESERVED", down.Reservation.Status, "an outage uses up no attempt")
	again := alice.payByCardWithKey(k, r.ID, "pm_sandbox_unavailable")
	requireRejected(t, again, "GATEWAY_UNAVAILABLE")
	require.NotEqual(t, down.Payment.ID, again.Payment.ID, "a 'try again' answer does not replay")
	requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
}
