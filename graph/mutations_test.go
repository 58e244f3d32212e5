package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
)

func TestAnIdempotencyKeyComesFromTheFieldOrTheHeader(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	eventID := a.openSales(a.as(newUser(), auth.RoleOrganizer))
	me := a.as(newUser())
	const two = `mutation {
		a: cancelReservation(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q"}) { userErrors { code } }
		b: cancelReservation(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q"}) { userErrors { code } }
	}`
	with := func(header ...string) []string { return append(header, me...) }
	reserve := func(v vars, header ...string) string {
		v["e"] = eventID
		return a.do(reserveMutation, v, header...).field(t, "reserveSeats", "reservation")["id"].(string)
	}
	require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", a.do(reserveMutation, vars{"e": eventID}, me...).code())
	require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", a.do(two, nil, with("Idempotency-Key", "k")...).code(), "a header is the key of one mutation")

	first := reserve(vars{"k": "one"}, me...)
	require.Equal(t, first, reserve(vars{"k": "one"}, me...))
	require.Equal(t, first, reserve(vars{}, with("Idempotency-Key", "one")...))
	require.Equal(t, first, reserve(vars{"k": "one"}, with("Idempotency-Key", "one")...))
	require.NotEqual(t, first, reserve(vars{"k": "another"}, me...))

	for _, c := range [][2]string{{"one", "other"}, {"", ""}, {strings.Repeat("x", 256), ""}, {"a\nb", ""}, {"é", ""}} {
		header := me
		if c[1] != "" {
			header = with("Idempotency-Key", c[1])
		}
		code, field := a.do(reserveMutation, vars{"e": eventID, "k": c[0]}, header...).userError(t, "reserveSeats")
		require.Equal(t, "INVALID", code)
		require.Equal(t, []any{"idempotencyKey"}, field)
	}
}

func TestAMutationReturnsWhatItDecided(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	got := a.do(`mutation { createEvent(input: {name: "A night", venue: "A hall", startsAt: "2099-12-31T20:00:00Z"}) {
		event { id version inventoryVersion description status maxTicketsPerReservation sections { name } } userErrors { code } } }`, nil, organizer...)
	e := got.field(t, "createEvent", "event")
	require.Equal(t, map[string]any{
		"id": e["id"], "version": 1., "inventoryVersion": 0., "description": "", "status": "DRAFT", "maxTicketsPerReservation": 8., "sections": []any{},
	}, e)

	add := `mutation($e: ID!) { addInventory(input: {eventId: $e, section: "Floor", price: {amount: "1.5", currencyCode: "BHD"}, capacity: 50}) {
		section { name price { amount currencyCode } capacity available reserved sold } event { inventoryVersion } userErrors { code } } }`
	got = a.do(add, vars{"e": e["id"]}, organizer...)
	require.Equal(t, map[string]any{
		"name": "Floor", "price": map[string]any{"amount": "1.500", "currencyCode": "BHD"}, "capacity": 50., "available": 50., "reserved": 0., "sold": 0.,
	}, got.field(t, "addInventory", "section"))
	require.Zero(t, a.queries.count("name:"), "what was decided is returned, not what the read side knows")

	for mutation, status := range map[string]string{"cancelEvent": "CANCELLED", "updateEvent": "DRAFT"} {
		event := a.openDraft(organizer)
		got := a.do(`mutation($e: ID!) { `+mutation+`(input: {eventId: $e}) { event { status } userErrors { code } } }`, vars{"e": event}, organizer...)
		require.Equal(t, status, got.field(t, mutation, "event")["status"])
	}
	eventID := a.openSales(organizer)
	got = a.do(`mutation($e: ID!) { closeSales(input: {eventId: $e}) { event { status } userErrors { code } } }`, vars{"e": eventID}, organizer...)
	require.Equal(t, "SALES_CLOSED", got.field(t, "closeSales", "event")["status"])
}

func TestNullTakesASalesWindowAway(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	eventID := a.openDraft(organizer)
	update := func(input vars) map[string]any {
		t.Helper()
		input["eventId"] = eventID
		got := a.do(`mutation($i: UpdateEventInput!) { updateEvent(input: $i) { event { version description salesOpenAt salesCloseAt } userErrors { code } } }`,
			vars{"i": input}, organizer...)
		return got.field(t, "updateEvent", "event")
	}
	window := map[string]any{"version": 2., "description": "Loud.", "salesOpenAt": "2098-01-01T00:00:00Z", "salesCloseAt": "2098-02-01T00:00:00Z"}
	require.Equal(t, window, update(vars{"description": "Loud.", "salesOpenAt": "2098-01-01T00:00:00Z", "salesCloseAt": "2098-02-01T00:00:00Z"}))
	require.Equal(t, window, update(vars{}), "what is left out stays, and nothing is recorded")
	require.Equal(t, map[string]any{"version": 3., "description": "", "salesOpenAt": nil, "salesCloseAt": nil},
		update(vars{"description": nil, "salesOpenAt": nil, "salesCloseAt": nil}))
}

// openDraft makes an event without inventory, on the write side only.
func (a *api) openDraft(organizer []string) (eventID string) {
	a.t.Helper()
	created := a.do(`mutation { createEvent(input: {name: "A night", venue: "A hall", startsAt: "2099-12-31T20:00:00Z"}) { event { id } userErrors { code } } }`,
		nil, organizer...)
	return created.field(a.t, "createEvent", "event")["id"].(string)
}

func TestAPurchaseAndItsRefund(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer, customer := a.as(newUser(), auth.RoleOrganizer), a.as(newUser())
	eventID := a.openSales(organizer)
	reserved := a.do(`mutation($e: ID!) { reserveSeats(input: {eventId: $e, idempotencyKey: "k", items: [{section: "Floor", quantity: 2}, {section: "Box", seats: ["A-1"]}]}) {
		reservation { id status seats { section label } total { amount currencyCode } } userErrors { code } } }`, vars{"e": eventID}, customer...)
	reservation := reserved.field(t, "reserveSeats", "reservation")
	require.Equal(t, "SEATS_RESERVED", reservation["status"])
	require.Equal(t, map[string]any{"amount": "500.00", "currencyCode": "EUR"}, reservation["total"])
	require.ElementsMatch(t, []any{
		map[string]any{"section": "Floor", "label": nil}, map[string]any{"section": "Floor", "label": nil}, map[string]any{"section": "Box", "label": "A-1"},
	}, reservation["seats"])

	paid := a.do(payMutation, vars{"r": reservation["id"], "t": "pm_card_visa"}, customer...)
	payment := paid.field(t, "processPayment", "payment")
	require.Equal(t, "COMPLETED", payment["status"])
	require.Equal(t, "COMPLETED", paid.field(t, "processPayment", "reservation")["status"])

	const refund = `mutation($p: ID!, $k: String!, $amount: MoneyInput) { refundPayment(input: {paymentId: $p, amount: $amount, reason: "rain", idempotencyKey: $k}) {
		refund { id amount { amount } status reason } payment { id refunds { id } refunded { amount } } userErrors { code } } }`
	part := a.do(refund, vars{"p": payment["id"], "k": "part", "amount": vars{"amount": "5", "currencyCode": "EUR"}}, organizer...)
	first := part.field(t, "refundPayment", "refund")
	require.Equal(t, map[string]any{"id": first["id"], "amount": map[string]any{"amount": "5.00"}, "status": "PENDING", "reason": "rain"}, first)
	require.Equal(t, map[string]any{
		"id": payment["id"], "refunds": []any{map[string]any{"id": first["id"]}}, "refunded": map[string]any{"amount": "0.00"},
	}, part.field(t, "refundPayment", "payment"))
	rest := a.do(refund, vars{"p": payment["id"], "k": "rest"}, organizer...)
	require.Equal(t, map[string]any{"amount": "495.00"}, rest.field(t, "refundPayment", "refund")["amount"], "without an amount, all of the rest")
}

const payMutation = `mutation($r: ID!, $t: String!) { processPayment(input: {reservationId: $r, method: {card: {token: $t}}, idempotencyKey: "pay"}) {
	payment { id status failureReason refunded { amount } nextAction { clientSecret redirectUrl } } reservation { id status } userErrors { code } } }`

func TestADeclinedPaymentIsReturnedBesideItsUserError(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	customer := a.as(newUser())
	r := a.reserve(a.openSales(a.as(newUser(), auth.RoleOrganizer)), customer)
	got := a.do(payMutation, vars{"r": r, "t": "pm_card_chargeDeclined"}, customer...)
	code, _ := got.userError(t, "processPayment")
	require.Equal(t, "PAYMENT_DECLINED", code)
	payment := got.field(t, "processPayment", "payment")
	require.Equal(t, "FAILED", payment["status"])
	require.NotEmpty(t, payment["failureReason"])
	require.Equal(t, map[string]any{"amount": "0.00"}, payment["refunded"])
	require.Nil(t, payment["nextAction"])
	require.Equal(t, map[string]any{"id": r, "status": "SEATS_RESERVED"}, got.field(t, "processPayment", "reservation"))
}

func TestAPaymentThatNeedsTheCustomerIsConfirmed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	customer := a.as(newUser())
	r := a.reserve(a.openSales(a.as(newUser(), auth.RoleOrganizer)), customer)
	const page = "https://tickets.example.com/paid?order=1#top"
	got := a.do(`mutation($r: ID!, $u: String!) { processPayment(input: {reservationId: $r, method: {paypal: {returnUrl: $u, cancelUrl: $u}}, idempotencyKey: "k"}) {
		payment { id status nextAction { redirectUrl } } userErrors { code } } }`, vars{"r": r, "u": page}, customer...)
	payment := got.field(t, "processPayment", "payment")
	require.Equal(t, "REQUIRES_ACTION", payment["status"])
	require.Contains(t, payment["nextAction"].(map[string]any)["redirectUrl"], "https://tickets.example.com/paid?order=1")
	got = a.do(`mutation($p: ID!) { confirmPayment(input: {paymentId: $p, idempotencyKey: "k2"}) { payment { status } userErrors { code } } }`, vars{"p": payment["id"]}, customer...)
	require.Equal(t, "COMPLETED", got.field(t, "confirmPayment", "payment")["status"])
}

func TestRejectionsAreUserErrors(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	const open = `mutation($e: ID!) { openSales(input: {eventId: $e}) { event { id } userErrors { code field } } }`
	draft := a.openDraft(organizer)
	got := a.do(open, vars{"e": draft}, organizer...)
	code, _ := got.userError(t, "openSales")
	require.Equal(t, "INVALID_STATE", code)
	require.Nil(t, got.field(t, "openSales")["event"])

	got = a.do(open, vars{"e": draft}, a.as(newUser(), auth.RoleOrganizer)...)
	require.Equal(t, "FORBIDDEN", got.code(), "no payload can carry it")
	require.Nil(t, got.Data["openSales"])
	require.Empty(t, a.do(`mutation($e: ID!) { updateEvent(input: {eventId: $e, name: "b"}) { event { id } userErrors { code } } }`,
		vars{"e": draft}, a.as(newUser(), auth.RoleAdmin)...).Errors, "an admin may")
}

func TestMutationsAreLimitedByRootField(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *graph.Config) { c.RateLimits.Mutations = ratelimit.Limit{Requests: 2, Window: time.Hour} })
	me := a.as(newUser())
	const cancel = `cancelReservation(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q", idempotencyKey: "k"}) { userErrors { code } }`
	require.Empty(t, a.do(`mutation { a: `+cancel+` b: `+cancel+` }`, nil, me...).Errors)
	got := a.do(`mutation { a: `+cancel+` }`, nil, me...)
	require.Equal(t, "RATE_LIMITED", got.code())
	require.InDelta(t, 3600, got.Errors[0].Extensions["retryAfterSeconds"], 120)
	require.Empty(t, a.do(`{ me { id } }`, nil, me...).Errors, "reading is not limited")
}
