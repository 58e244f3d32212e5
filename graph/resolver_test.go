package graph_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/query"
)

func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, c := range []struct{ query, anonymous, customer string }{
		{`{ events { nodes { id } } }`, "", ""},
		{`{ reservation(id: "rsv_01h455vb4pex5vsknk084sn02q") { id } }`, "UNAUTHENTICATED", "NOT_FOUND"},
		{`{ payment(id: "pay_01h455vb4pex5vsknk084sn02q") { id } }`, "UNAUTHENTICATED", "NOT_FOUND"},
		{`{ node(id: "pay_01h455vb4pex5vsknk084sn02q") { id } }`, "UNAUTHENTICATED", "NOT_FOUND"},
		{`{ node(id: "rfd_01h455vb4pex5vsknk084sn02q") { id } }`, "UNAUTHENTICATED", ""},
		{`{ node(id: "usr_01h455vb4pex5vsknk084sn02q") { id } }`, "UNAUTHENTICATED", "FORBIDDEN"},
		{`{ node(id: "x") { id } }`, "BAD_USER_INPUT", "BAD_USER_INPUT"},
		{`{ event(id: "rsv_01h455vb4pex5vsknk084sn02q") { id } }`, "BAD_USER_INPUT", "BAD_USER_INPUT"},
		{`{ reservation(id: "x") { id } }`, "UNAUTHENTICATED", "BAD_USER_INPUT"},
		{`{ events(first: 1, last: 1) { nodes { id } } }`, "BAD_USER_INPUT", "BAD_USER_INPUT"},
		{`mutation { publishEvent(input: {eventId: "e"}) { event { id } } }`, "UNAUTHENTICATED", "FORBIDDEN"},
		{`mutation { reserveSeats(input: {eventId: "e", items: []}) { reservation { id } } }`, "UNAUTHENTICATED", "IDEMPOTENCY_KEY_REQUIRED"},
	} {
		got := a.do(c.query, nil)
		require.Equal(t, c.anonymous, got.code(), "%s: %s", c.query, got.body)
		got = a.do(c.query, nil, a.as(newUser())...)
		require.Equal(t, c.customer, got.code(), "%s: %s", c.query, got.body)
	}
}

func TestDraftsAreTheirOrganizers(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := newUser()
	draft := a.reads.addEvent(organizer, "DRAFT")
	const one, node, list = `query($id: ID!) { event(id: $id) { id } }`, `query($id: ID!) { node(id: $id) { id ... on Event { name } } }`, `{ events { nodes { id } edges { node { id } } } }`
	for _, c := range []struct {
		header []string
		sees   bool
	}{{nil, false}, {a.as(newUser(), auth.RoleOrganizer), false}, {a.as(organizer), false}, {a.as(organizer, auth.RoleOrganizer), true}, {a.as(newUser(), auth.RoleAdmin), true}} {
		for _, query := range []string{one, node} {
			got := a.do(query, vars{"id": draft.ID}, c.header...)
			require.Empty(t, got.Errors)
			require.Equal(t, c.sees, strings.Contains(got.body, draft.ID), got.body)
		}
		require.Equal(t, c.sees, strings.Contains(a.do(list, nil, c.header...).body, draft.ID))
	}
}

func TestSalesAreSeenByThoseWhoTookPart(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer, customer := newUser(), newUser()
	r := a.reads.addReservation(a.reads.addEvent(organizer, "SALES_OPEN"), customer)
	p := a.reads.addPayment(r)
	a.people.signIn(customer)
	const sale = `query($r: ID!, $p: ID!, $f: ID!) {
		reservation(id: $r) { id seats { section label price { amount currencyCode } } event { name } payments { id } customer { id email roles } }
		payment(id: $p) { id refunded { amount } reservation { id } }
		a: node(id: $r) { id }
		b: node(id: $p) { id }
		c: node(id: $f) { id ... on Refund { amount { amount } status } }
	}`
	ids := vars{"r": r.ID, "p": p.ID, "f": p.Refunds[0].ID}

	own := a.do(sale, ids, a.as(customer)...)
	require.Empty(t, own.Errors, own.body)
	seen := own.Data["reservation"].(map[string]any)
	require.Equal(t, customer+"@example.com", seen["customer"].(map[string]any)["email"])
	require.Equal(t, []any{map[string]any{"section": "Floor", "label": nil, "price": map[string]any{"amount": "150.00", "currencyCode": "EUR"}}}, seen["seats"])
	require.Equal(t, map[string]any{"id": p.Refunds[0].ID, "amount": map[string]any{"amount": "7.00"}, "status": "PENDING"}, own.Data["c"])
	require.Empty(t, a.do(sale, ids, a.as(newUser(), auth.RoleAdmin)...).Errors)

	theirs := a.do(sale, ids, a.as(organizer, auth.RoleOrganizer)...)
	require.Empty(t, theirs.Errors, theirs.body)
	require.Equal(t, map[string]any{"id": customer, "email": nil, "roles": []any{}}, theirs.Data["reservation"].(map[string]any)["customer"])

	for _, stranger := range [][]string{a.as(newUser()), a.as(newUser(), auth.RoleOrganizer)} {
		got := a.do(sale, ids, stranger...)
		require.Len(t, got.Errors, 5, got.body)
		for _, e := range got.Errors {
			require.Equal(t, "FORBIDDEN", e.Extensions["code"])
		}
		require.NotContains(t, got.body, "Floor")
	}
}

func TestAUsersListsAreTheirOwn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer, customer := newUser(), newUser()
	r := a.reads.addReservation(a.reads.addEvent(organizer, "SALES_OPEN"), customer)
	const nested = `query($r: ID!) { reservation(id: $r) { id customer { id reservations { nodes { id } } payments { nodes { id } } } } }`
	require.Contains(t, a.do(`{ me { reservations { nodes { id } pageInfo { hasNextPage } } payments { edges { node { id } } } } }`, nil, a.as(customer)...).body, r.ID)
	require.Empty(t, a.do(nested, vars{"r": r.ID}, a.as(customer)...).Errors)
	got := a.do(nested, vars{"r": r.ID}, a.as(organizer, auth.RoleOrganizer)...)
	require.Equal(t, "FORBIDDEN", got.code())
	require.Nil(t, got.Data["reservation"].(map[string]any)["customer"], "only what is forbidden goes missing")
}

func TestListsAreReadInBatches(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	customer := newUser()
	for range 20 {
		e := a.reads.addEvent(newUser(), "SALES_OPEN")
		a.reads.addPayment(a.reads.addReservation(e, customer))
	}
	got := a.do(`{ me { reservations { nodes { id event { name sections { name } } payments { id } customer { id } } } } }`, nil, a.as(customer)...)
	require.Empty(t, got.Errors, got.body)
	for _, read := range []string{"Events", "Inventories", "PaymentsByReservation"} {
		require.LessOrEqual(t, a.reads.called(read), 3, "%s of 20", read)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := a.as(newUser())
	const reserve = `mutation($k: String) { reserveSeats(input: {eventId: "evt_01h455vb4pex5vsknk084sn02q", items: [{section: "Floor", quantity: 2}], idempotencyKey: $k}) { reservation { id } userErrors { code field } } }`
	const two = `mutation {
		a: cancelReservation(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q"}) { userErrors { code } }
		b: cancelReservation(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q"}) { userErrors { code } }
	}`
	with := func(header ...string) []string { return append(header, me...) }

	require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", a.do(reserve, nil, me...).code())
	require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", a.do(two, nil, with("Idempotency-Key", "k")...).code(), "a header is the key of one mutation")

	require.Empty(t, a.do(reserve, vars{"k": "field"}, me...).Errors)
	by, _ := a.commands.last()
	require.Equal(t, "field", by.IdempotencyKey)
	require.Empty(t, a.do(reserve, nil, with("Idempotency-Key", "header")...).Errors)
	by, _ = a.commands.last()
	require.Equal(t, "header", by.IdempotencyKey)
	require.Empty(t, a.do(reserve, vars{"k": "same"}, with("Idempotency-Key", "same")...).Errors)

	for _, c := range [][2]string{{"one", "other"}, {"", ""}, {strings.Repeat("x", 256), ""}, {"a\nb", ""}, {"é", ""}} {
		header := me
		if c[1] != "" {
			header = with("Idempotency-Key", c[1])
		}
		code, field := a.do(reserve, vars{"k": c[0]}, header...).userError(t, "reserveSeats")
		require.Equal(t, "INVALID", code)
		require.Equal(t, []any{"idempotencyKey"}, field)
	}
}

func TestMutationsSayWhoAsks(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := newUser()
	header := append(a.as(organizer, auth.RoleOrganizer, auth.RoleAdmin), "X-Request-ID", "req-7")
	got := a.do(`mutation { createEvent(input: {name: "A night", venue: "A hall", startsAt: "2026-12-31T20:00:00Z"}) {
		event { id version inventoryVersion description status sections { name price { amount currencyCode } capacity available reserved sold } } userErrors { code }
	} }`, nil, header...)
	require.Empty(t, got.Errors, got.body)
	by, asked := a.commands.last()
	require.Equal(t, organizer, by.Actor)
	require.True(t, by.Admin)
	require.Equal(t, "req-7", by.CorrelationID)
	require.Equal(t, 8, asked.(event.Create).MaxTicketsPerReservation, "the schema's default")
	require.Equal(t, 1, asked.(event.Create).PaymentAttempts)
	e := got.Data["createEvent"].(map[string]any)["event"].(map[string]any)
	require.Empty(t, e["description"])
	require.NotNil(t, e["description"], "the contract has it never null")
	require.Equal(t, []any{map[string]any{
		"name": "Floor", "price": map[string]any{"amount": "1500", "currencyCode": "JPY"}, "capacity": 10., "available": 5., "reserved": 2., "sold": 3.,
	}}, e["sections"])
	require.Zero(t, a.reads.called("Inventories"), "what was decided is answered, not what the read side knows")
}

func TestInputsAreCheckedByField(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	header := append(a.as(newUser(), auth.RoleOrganizer), "Idempotency-Key", "k")
	evt, rsv, pay := id.New(id.Event), id.New(id.Reservation), id.New(id.Payment)
	type object = map[string]any
	for _, c := range []struct {
		mutation, input string
		in              object
		field           []any
	}{
		{"createEvent", "CreateEvent", object{"name": " ", "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}, []any{"name"}},
		{"createEvent", "CreateEvent", object{"name": strings.Repeat("é", 201), "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}, []any{"name"}},
		{"createEvent", "CreateEvent", object{"name": "a\x00b", "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}, []any{"name"}},
		{"createEvent", "CreateEvent", object{"name": "n", "venue": "a\nb", "startsAt": "2026-12-31T20:00:00Z"}, []any{"venue"}},
		{"createEvent", "CreateEvent", object{"name": "n", "venue": "v", "description": strings.Repeat("x", 10_001), "startsAt": "2026-12-31T20:00:00Z"}, []any{"description"}},
		{"updateEvent", "UpdateEvent", object{"eventId": evt, "name": ""}, []any{"name"}},
		{"publishEvent", "EventID", object{"eventId": "1"}, []any{"eventId"}},
		{"cancelEvent", "CancelEvent", object{"eventId": evt, "reason": strings.Repeat("x", 501)}, []any{"reason"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "capacity": 1, "price": object{"amount": "1.005", "currencyCode": "EUR"}}, []any{"price", "amount"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "capacity": 1, "price": object{"amount": "1", "currencyCode": "eur"}}, []any{"price", "currencyCode"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "rows": []any{object{"row": "A\u0007", "seats": 1}}, "price": object{"amount": "1", "currencyCode": "EUR"}}, []any{"rows", "0", "row"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": rsv, "items": []any{object{"section": "s", "quantity": 1}}}, []any{"eventId"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{}}, []any{"items"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s", "quantity": 1}, object{"section": "s", "quantity": 0}}}, []any{"items", "1", "quantity"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s"}}}, []any{"items", "0"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s", "seats": []any{"A-1", ""}}}}, []any{"items", "0", "seats", "1"}},
		{"cancelReservation", "CancelReservation", object{"reservationId": evt}, []any{"reservationId"}},
		{"processPayment", "ProcessPayment", object{"reservationId": rsv, "method": object{"card": object{"token": ""}}}, []any{"method", "card", "token"}},
		{"confirmPayment", "ConfirmPayment", object{"paymentId": rsv}, []any{"paymentId"}},
		{"refundPayment", "RefundPayment", object{"paymentId": rsv}, []any{"paymentId"}},
		{"refundPayment", "RefundPayment", object{"paymentId": pay, "reason": strings.Repeat("x", 501)}, []any{"reason"}},
		{"refundPayment", "RefundPayment", object{"paymentId": pay, "amount": object{"amount": "1.005", "currencyCode": "EUR"}}, []any{"amount", "amount"}},
		{"refundPayment", "RefundPayment", object{"paymentId": pay, "amount": object{"amount": "1", "currencyCode": "XYZ"}}, []any{"amount", "currencyCode"}},
	} {
		got := a.do(`mutation($in: `+c.input+`Input!) { `+c.mutation+`(input: $in) { userErrors { code field } } }`, vars{"in": c.in}, header...)
		code, field := got.userError(t, c.mutation)
		require.Equal(t, "INVALID", code, got.body)
		require.Equal(t, c.field, field, got.body)
	}
	_, asked := a.commands.last()
	require.Nil(t, asked, "nothing of it reached the write side")
}

func TestCardNumbersAreKeptNowhere(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	header := append(a.as(newUser()), "Idempotency-Key", "k")
	const pay = `mutation($t: String!) { processPayment(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q", method: {card: {token: $t}}}) { userErrors { code field message } } }`
	for _, number := range []string{
		"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "378282246310005", "card: 5555555555554444!", "6011111111111117 12/29 123", " 4242 4242 4242 4242",
	} {
		got := a.do(pay, vars{"t": number}, header...)
		code, field := got.userError(t, "processPayment")
		require.Equal(t, "INVALID", code, number)
		require.Equal(t, []any{"method", "card", "token"}, field)
		require.NotContains(t, got.body, number)
		require.NotContains(t, a.log.String(), number)
	}
	_, asked := a.commands.last()
	require.Nil(t, asked)
	for _, token := range []string{"pm_card_visa", "tok_1NvWYl2eZvKYlo2C8w8GYqA5", "pm_1234567890123", "tok_4242"} {
		require.Empty(t, a.do(pay, vars{"t": token}, header...).Errors)
		_, asked = a.commands.last()
		require.Equal(t, token, asked.(command.ProcessPayment).CardToken)
	}
}

func TestPayPalSendsCustomersBackToSafePagesOnly(t *testing.T) {
	t.Parallel()
	a, production := newAPI(t), newAPI(t, inProduction)
	header := append(a.as(newUser()), "Idempotency-Key", "k")
	const pay = `mutation($r: String!, $c: String!) { processPayment(input: {
		reservationId: "rsv_01h455vb4pex5vsknk084sn02q", method: {paypal: {returnUrl: $r, cancelUrl: $c}}
	}) { userErrors { code field message } } }`
	const good = "https://tickets.example.com/paid?order=1#top"
	require.Empty(t, a.do(pay, vars{"r": good, "c": good}, header...).Errors)
	_, asked := a.commands.last()
	require.Equal(t, &command.PayPal{ReturnURL: good, CancelURL: good}, asked.(command.ProcessPayment).PayPal)
	for _, local := range []string{"http://localhost:3000/paid", "http://127.0.0.1/paid"} {
		got := a.do(pay, vars{"r": local, "c": good}, header...)
		require.Empty(t, got.Errors)
		require.NotContains(t, got.body, "INVALID", local)
		code, field := production.do(pay, vars{"r": good, "c": local}, append(production.as(newUser()), "Idempotency-Key", "k")...).userError(t, "processPayment")
		require.Equal(t, "INVALID", code, local)
		require.Equal(t, []any{"method", "paypal", "cancelUrl"}, field)
	}
	for _, bad := range []string{
		"", "/paid", "//example.com/paid", "https://", "http://example.com/", "javascript:alert(1)", "https://ann:secret@example.com/",
		"https://example.com/\r\nX: y", "https://example.com/" + strings.Repeat("a", 2000), "https://example.com/4242424242424242",
	} {
		got := a.do(pay, vars{"r": bad, "c": good}, header...)
		code, field := got.userError(t, "processPayment")
		require.Equal(t, "INVALID", code, bad)
		require.Equal(t, []any{"method", "paypal", "returnUrl"}, field)
		require.NotContains(t, got.body, "secret")
	}
	two := `mutation { processPayment(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q", idempotencyKey: "k", method: {
		card: {token: "pm_card_visa"}, paypal: {returnUrl: "https://a.example", cancelUrl: "https://a.example"}
	}}) { userErrors { code } } }`
	require.NotEmpty(t, a.do(two, nil, header...).Errors, "exactly one method")
}

func TestCardNumbersAreRefusedWhereverTheyAreSent(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const number = "4242 4242 4242 4242"
	header := append(a.as(newUser(), auth.RoleOrganizer), "Idempotency-Key", "k", "X-Request-ID", "4242424242424242")
	evt, rsv, pay := id.New(id.Event), id.New(id.Reservation), id.New(id.Payment)
	type object = map[string]any
	price := object{"amount": "1", "currencyCode": "EUR"}
	for _, c := range []struct {
		mutation, input string
		in              object
		field           []any
	}{
		{"createEvent", "CreateEvent", object{"name": number, "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}, []any{"name"}},
		{"createEvent", "CreateEvent", object{"name": "n", "venue": number, "startsAt": "2026-12-31T20:00:00Z"}, []any{"venue"}},
		{"createEvent", "CreateEvent", object{"name": "n", "venue": "v", "description": "pay with\n" + number, "startsAt": "2026-12-31T20:00:00Z"}, []any{"description"}},
		{"cancelEvent", "CancelEvent", object{"eventId": evt, "reason": number}, []any{"reason"}},
		{"publishEvent", "EventID", object{"eventId": number}, []any{"eventId"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": number, "capacity": 1, "price": price}, []any{"section"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "capacity": 1, "price": object{"amount": "4242424242424242", "currencyCode": "EUR"}}, []any{"price", "amount"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s", "seats": []any{number}}}}, []any{"items", "0", "seats", "0"}},
		{"cancelReservation", "CancelReservation", object{"reservationId": rsv, "idempotencyKey": number}, []any{"idempotencyKey"}},
		{"cancelReservation", "CancelReservation", object{"reservationId": rsv, "reason": number}, []any{"reason"}},
		{"refundPayment", "RefundPayment", object{"paymentId": pay, "reason": number}, []any{"reason"}},
		{"requestMagicLink", "RequestMagicLink", object{"email": "4242424242424242@example.com"}, []any{"email"}},
	} {
		got := a.do(`mutation($in: `+c.input+`Input!) { `+c.mutation+`(input: $in) { userErrors { code field message } } }`, vars{"in": c.in}, header...)
		if c.in["idempotencyKey"] != nil {
			got = a.do(`mutation($in: `+c.input+`Input!) { `+c.mutation+`(input: $in) { userErrors { code field message } } }`, vars{"in": c.in}, header[:2]...)
		}
		code, field := got.userError(t, c.mutation)
		require.Equal(t, "INVALID", code, got.body)
		require.Equal(t, c.field, field, got.body)
		require.NotContains(t, got.body, "4242")
		require.NotContains(t, got.header.Get("X-Request-ID"), "4242")
	}
	got := a.do(`query($s: String) { events(filter: {search: $s}) { nodes { id } } }`, vars{"s": number}, header...)
	require.Equal(t, "BAD_USER_INPUT", got.code())
	require.NotContains(t, a.log.String(), "4242")
	_, asked := a.commands.last()
	require.Nil(t, asked, "nothing of it reached the write side")
}

func TestRejectionsAreUserErrors(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	header := append(a.as(newUser(), auth.RoleOrganizer), "Idempotency-Key", "k")
	const publish = `mutation { publishEvent(input: {eventId: "evt_01h455vb4pex5vsknk084sn02q"}) { event { id } userErrors { code field } } }`
	a.commands.err = rejection.New(rejection.InvalidState, "no").At("eventId")
	got := a.do(publish, nil, header...)
	code, field := got.userError(t, "publishEvent")
	require.Equal(t, "INVALID_STATE", code)
	require.Equal(t, []any{"eventId"}, field)
	require.Nil(t, got.Data["publishEvent"].(map[string]any)["event"])

	a.commands.err = rejection.New(rejection.Forbidden, "not yours")
	got = a.do(publish, nil, header...)
	require.Equal(t, "FORBIDDEN", got.code())
	require.Nil(t, got.Data["publishEvent"])

	a.commands.err = fmt.Errorf("%w: too many commands are waiting", engine.ErrUnavailable)
	got = a.do(publish, nil, header...)
	require.Equal(t, "UNAVAILABLE", got.code(), "a full queue may be tried again")
	require.EqualValues(t, 1, got.Errors[0].Extensions["retryAfterSeconds"])
}

func TestADeclinedPaymentIsAnsweredWithItsObjects(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	header := append(a.as(newUser()), "Idempotency-Key", "k")
	a.commands.paid, a.commands.err = declined(newUser()), rejection.New(rejection.PaymentDeclined, "No.")
	got := a.do(`mutation { processPayment(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q", method: {card: {token: "pm_card_visa"}}}) {
		payment { id status failureReason refunded { amount } nextAction { clientSecret } } reservation { id status } userErrors { code } } }`, nil, header...)
	code, _ := got.userError(t, "processPayment")
	require.Equal(t, "PAYMENT_DECLINED", code)
	payload := got.Data["processPayment"].(map[string]any)
	require.Equal(t, map[string]any{
		"id": a.commands.paid.Payment.ID, "status": "FAILED", "failureReason": "No.", "refunded": map[string]any{"amount": "0.00"}, "nextAction": nil,
	}, payload["payment"])
	require.NotNil(t, payload["reservation"])
}

func TestErrorsGiveNothingInsideAway(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.reads.err = errors.New("pq: password=hunter2")
	got := a.do(`{ event(id: "evt_01h455vb4pex5vsknk084sn02q") { id } me { id } }`, nil, append(a.as(newUser()), "X-Request-ID", "req-9")...)
	require.Equal(t, "INTERNAL", got.code())
	require.Equal(t, []any{"event"}, got.Errors[0].Path)
	require.NotContains(t, got.body, "hunter2")
	require.NotNil(t, got.Data["me"], "one that fails takes no answer of its neighbours with it")
	require.Contains(t, a.log.String(), "hunter2")
	require.Contains(t, a.log.String(), "req-9")

	a.reads.err = context.DeadlineExceeded
	got = a.do(`{ event(id: "evt_01h455vb4pex5vsknk084sn02q") { id } }`, nil)
	require.Equal(t, "UNAVAILABLE", got.code())
	require.EqualValues(t, 1, got.Errors[0].Extensions["retryAfterSeconds"])
}

func TestPanicsAreInternalErrors(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.commands.paid = command.Paid{Payment: &command.Payment{ID: "pay_x"}}
	a.reads.set(func() { a.reads.events = nil; a.reads.calls = nil })
	got := a.do(`{ event(id: "evt_01h455vb4pex5vsknk084sn02q") { id } }`, nil)
	require.Equal(t, "INTERNAL", got.code(), got.body)
	require.Equal(t, 200, got.status)
	require.NotContains(t, got.body, "nil map")
	require.Contains(t, a.log.String(), "panic")
}

func TestLimitsCountRootFields(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := append(a.as(newUser()), "Idempotency-Key", "k")
	const cancel = `cancelReservation(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q", idempotencyKey: "k"}) { userErrors { code } }`
	require.Empty(t, a.do(`mutation { a: `+cancel+` b: `+cancel+` }`, nil, me...).Errors)
	require.Equal(t, 2, a.limiter.count("mutations"))

	a.limiter.refuse = "mutations"
	got := a.do(`mutation { a: `+cancel+` }`, nil, me...)
	require.Equal(t, "RATE_LIMITED", got.code())
	require.EqualValues(t, 2, got.Errors[0].Extensions["retryAfterSeconds"], "rounded up")
	require.Empty(t, a.do(`{ me { id } }`, nil, me...).Errors, "reading is not limited")
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const verify = `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken expiresAt user { id email roles reservations { nodes { id } } } userErrors { code field } } }`

	code, field := a.do(`mutation { requestMagicLink(input: {email: "no address"}) { token userErrors { code field } } }`, nil).userError(t, "requestMagicLink")
	require.Equal(t, "INVALID", code)
	require.Equal(t, []any{"email"}, field)
	require.Equal(t, "link", a.do(`mutation { requestMagicLink(input: {email: "Ann@example.com"}) { token userErrors { code } } }`, nil).Data["requestMagicLink"].(map[string]any)["token"])
	require.Equal(t, 1, a.limiter.count("sign-in-address"))

	code, _ = a.do(verify, vars{"t": "wrong"}).userError(t, "verifyMagicLink")
	require.Equal(t, "LINK_INVALID", code)

	got := a.do(verify, vars{"t": "link"})
	require.Empty(t, got.Errors, got.body)
	payload := got.Data["verifyMagicLink"].(map[string]any)
	require.Equal(t, "2027-01-01T00:00:00Z", payload["expiresAt"])
	user := payload["user"].(map[string]any)
	require.Equal(t, user["id"].(string)+"@example.com", user["email"])
	bearer := []string{"Authorization", "Bearer " + payload["sessionToken"].(string)}
	require.NotNil(t, a.do(`{ me { id } }`, nil, bearer...).Data["me"])
	require.Empty(t, got.header.Get("Set-Cookie"))

	require.Empty(t, a.do(`mutation { signOut { userErrors { code } } }`, nil, bearer...).Errors)
	require.Equal(t, "UNAUTHENTICATED", a.do(`{ me { id } }`, nil, bearer...).code())
}

func TestSigningInWithACookie(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	got := a.do(`mutation { verifyMagicLink(input: {token: "link"}) { sessionToken user { id } userErrors { code } } }`, nil, "X-Session", "cookie")
	require.Nil(t, got.Data["verifyMagicLink"].(map[string]any)["sessionToken"])
	cookie := got.header.Get("Set-Cookie")
	for _, attribute := range []string{"__Host-ticketing_session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		require.Contains(t, cookie, attribute)
	}
	session, _, _ := strings.Cut(cookie, ";")
	require.NotNil(t, a.do(`{ me { id } }`, nil, "Cookie", session).Data["me"])
	out := a.do(`mutation { signOut { userErrors { code } } }`, nil, "Cookie", session)
	require.Contains(t, out.header.Get("Set-Cookie"), "Max-Age=0")
	require.Nil(t, a.do(`{ me { id } }`, nil, "Cookie", session).Data["me"])
}

func TestWhatIsAskedReachesTheWriteSide(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	header := append(a.as(newUser(), auth.RoleOrganizer), "Idempotency-Key", "k")
	evt := id.New(id.Event)
	quantity, capacity := 2, 50

	a.do(`mutation($e: ID!) { reserveSeats(input: {eventId: $e, items: [{section: "Floor", quantity: 2}, {section: "Box", seats: ["A-1"]}]}) { userErrors { code } } }`, vars{"e": evt}, header...)
	_, asked := a.commands.last()
	require.Equal(t, command.ReserveSeats{EventID: evt, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &quantity}, {Section: "Box", Labels: []string{"A-1"}}}}, asked)

	got := a.do(`mutation($e: ID!) { addInventory(input: {eventId: $e, section: "Floor", price: {amount: "1.5", currencyCode: "BHD"}, capacity: 50}) { section { name available } userErrors { code } } }`, vars{"e": evt}, header...)
	_, asked = a.commands.last()
	require.Equal(t, inventory.Add{Section: "Floor", Price: money.Money{Minor: 1500, Currency: "BHD"}, Capacity: &capacity}, asked)
	require.Equal(t, map[string]any{"name": "Floor", "available": 5.}, got.Data["addInventory"].(map[string]any)["section"])

	pay := id.New(id.Payment)
	got = a.do(`mutation($p: ID!) { refundPayment(input: {paymentId: $p, amount: {amount: "5", currencyCode: "EUR"}, reason: "rain"}) {
		refund { id amount { amount } status reason } payment { id refunds { id } refunded { amount } } userErrors { code } } }`, vars{"p": pay}, header...)
	_, asked = a.commands.last()
	require.Equal(t, command.RefundPayment{PaymentID: pay, Amount: &money.Money{Minor: 500, Currency: "EUR"}, Reason: "rain"}, asked)
	payload := got.Data["refundPayment"].(map[string]any)
	refund := payload["refund"].(map[string]any)
	require.Equal(t, map[string]any{"id": refund["id"], "amount": map[string]any{"amount": "5.00"}, "status": "PENDING", "reason": "rain"}, refund)
	require.Equal(t, map[string]any{
		"id": pay, "refunds": []any{map[string]any{"id": refund["id"]}}, "refunded": map[string]any{"amount": "0.00"},
	}, payload["payment"])
	a.do(`mutation($p: ID!) { refundPayment(input: {paymentId: $p}) { userErrors { code } } }`, vars{"p": pay}, header...)
	_, asked = a.commands.last()
	require.Equal(t, command.RefundPayment{PaymentID: pay}, asked, "no amount: all of it")

	for mutation, want := range map[string]any{"publishEvent": event.Publish{}, "openSales": event.OpenSales{}, "closeSales": event.CloseSales{}, "completeEvent": event.Complete{}} {
		a.do(`mutation($e: ID!) { `+mutation+`(input: {eventId: $e}) { event { id } } }`, vars{"e": evt}, header...)
		_, asked = a.commands.last()
		require.Equal(t, want, asked)
	}
}

func TestSeatsComeInPages(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	e := a.reads.addEvent(newUser(), "SALES_OPEN")
	a.reads.set(func() {
		a.reads.inventories[e.ID] = query.Inventory{EventID: e.ID, Version: 4, Sections: []query.Section{{EventID: e.ID, Name: "Box"}}}
	})
	got := a.do(`query($e: ID!) { event(id: $e) { inventoryVersion sections { name seats(first: 10) { edges { cursor node { label status } } } } } }`, vars{"e": e.ID})
	require.Empty(t, got.Errors, got.body)
	require.Contains(t, got.body, `"label":"A-1"`)
	require.Contains(t, got.body, `"inventoryVersion":4`)
}
