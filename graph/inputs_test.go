package graph_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
)

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
		{"updateEvent", "UpdateEvent", object{"eventId": evt, "name": nil}, []any{"name"}},
		{"updateEvent", "UpdateEvent", object{"eventId": evt, "venue": nil}, []any{"venue"}},
		{"updateEvent", "UpdateEvent", object{"eventId": evt, "startsAt": nil}, []any{"startsAt"}},
		{"publishEvent", "EventID", object{"eventId": "1"}, []any{"eventId"}},
		{"cancelEvent", "CancelEvent", object{"eventId": evt, "reason": strings.Repeat("x", 501)}, []any{"reason"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "capacity": 1, "price": object{"amount": "1.005", "currencyCode": "EUR"}}, []any{"price", "amount"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "capacity": 1, "price": object{"amount": "1", "currencyCode": "eur"}}, []any{"price", "currencyCode"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s", "rows": []any{object{"row": "A\u0007", "seats": 1}}, "price": object{"amount": "1", "currencyCode": "EUR"}}, []any{"rows", "0", "row"}},
		{"createEvent", "CreateEvent", object{"name": "n\u200b", "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}, []any{"name"}},
		{"createEvent", "CreateEvent", object{"name": "n", "venue": "\u202ev", "startsAt": "2026-12-31T20:00:00Z"}, []any{"venue"}},
		{"createEvent", "CreateEvent", object{"name": "\u3164", "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}, []any{"name"}},
		{"cancelEvent", "CancelEvent", object{"eventId": evt, "reason": "ill\u2066"}, []any{"reason"}},
		{"addInventory", "AddInventory", object{"eventId": evt, "section": "s\u200d", "capacity": 1, "price": object{"amount": "1", "currencyCode": "EUR"}}, []any{"section"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": rsv, "items": []any{object{"section": "s", "quantity": 1}}}, []any{"eventId"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{}}, []any{"items"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s", "quantity": 1}, object{"section": "s", "quantity": 0}}}, []any{"items", "1", "quantity"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s"}}}, []any{"items", "0"}},
		{"reserveSeats", "ReserveSeats", object{"eventId": evt, "items": []any{object{"section": "s", "seats": []any{"A-1", ""}}}}, []any{"items", "0", "seats", "1"}},
		{"cancelReservation", "CancelReservation", object{"reservationId": evt}, []any{"reservationId"}},
		{"processPayment", "ProcessPayment", object{"reservationId": rsv, "method": object{"card": object{"token": ""}}}, []any{"method", "card", "token"}},
		{"confirmPayment", "ConfirmPayment", object{"paymentId": rsv}, []any{"paymentId"}},
		{"retryRefund", "RetryRefund", object{"refundId": rsv}, []any{"refundId"}},
		{"cancelPayment", "CancelPayment", object{"paymentId": rsv}, []any{"paymentId"}},
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
	require.Zero(t, a.recorded())
}

func TestCardNumbersAreStoredNowhere(t *testing.T) {
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
	for _, token := range []string{"pm_card_visa", "tok_1NvWYl2eZvKYlo2C8w8GYqA5", "pm_1234567890123", "tok_4242"} {
		code, _ := a.do(pay, vars{"t": token}, append(header[:2:2], "Idempotency-Key", token)...).userError(t, "processPayment")
		require.Equal(t, "NOT_FOUND", code, "there is no such reservation")
	}
}

func TestCardNumbersAreRefusedInEveryField(t *testing.T) {
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
		requireNoCard(t, got.body)
		requireNoCard(t, got.header.Get("X-Request-ID"))
	}
	got := a.do(`query($s: String) { events(filter: {search: $s}) { nodes { id } } }`, vars{"s": number}, header...)
	require.Equal(t, "BAD_USER_INPUT", got.code())
	requireNoCard(t, a.log.String())
	require.Zero(t, a.recorded())
}

// requireNoCard looks for half of the number: random ids may have four digits of it.
func requireNoCard(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "42424242")
	require.NotContains(t, text, "4242 4242")
}

func TestPayPalReturnsCustomersToSafePagesOnly(t *testing.T) {
	t.Parallel()
	a, production := newAPI(t), newAPI(t, inProduction)
	header := append(a.as(newUser()), "Idempotency-Key", "k")
	const pay = `mutation($r: String!, $c: String!) { processPayment(input: {
		reservationId: "rsv_01h455vb4pex5vsknk084sn02q", method: {paypal: {returnUrl: $r, cancelUrl: $c}}
	}) { userErrors { code field message } } }`
	const good = "https://tickets.example.com/paid?order=1#top"
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
	for _, foreign := range []string{
		"https://evil.example/paid", "https://tickets.example.com.evil.example/", "https://tickets.example.com:8443/paid", "http://tickets.example.com/paid",
	} {
		code, field := a.do(pay, vars{"r": good, "c": foreign}, header...).userError(t, "processPayment")
		require.Equal(t, "INVALID", code, foreign)
		require.Equal(t, []any{"method", "paypal", "cancelUrl"}, field)
	}
	for _, own := range []string{"https://TICKETS.example.com:443/paid", "https://shop.example.org/paid"} {
		require.NotContains(t, a.do(pay, vars{"r": own, "c": own}, header...).body, "INVALID", own)
	}
	two := `mutation { processPayment(input: {reservationId: "rsv_01h455vb4pex5vsknk084sn02q", idempotencyKey: "k", method: {
		card: {token: "pm_card_visa"}, paypal: {returnUrl: "https://a.example", cancelUrl: "https://a.example"}
	}}) { userErrors { code } } }`
	require.NotEmpty(t, a.do(two, nil, header...).Errors, "exactly one method")
}
