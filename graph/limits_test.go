package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestWhatCostsTooMuchIsRefusedCheaply(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t, inProduction)
	for name, c := range map[string]struct{ query, code string }{
		"doubling fragments":    {doubling(27), "COMPLEXITY_LIMIT_EXCEEDED"},
		"tokens":                {"{" + strings.Repeat(" me { id }", 400) + "}", "GRAPHQL_PARSE_FAILED"},
		"aliases":               {"{" + numbered("a%d: __typename", 51) + "}", "COMPLEXITY_LIMIT_EXCEEDED"},
		"depth":                 {"{ me { " + strings.Repeat("reservations { nodes { customer { ", 5) + "id" + strings.Repeat("}}}", 5) + "}}", "COMPLEXITY_LIMIT_EXCEEDED"},
		"nested pages":          {`{ events(first: 100) { nodes { sections { seats(first: 100) { nodes { label status } } } } } }`, "COMPLEXITY_LIMIT_EXCEEDED"},
		"pages over 100":        {`{ events(first: 1000000) { nodes { sections { seats(first: 1000000) { nodes { label status } } } } } }`, "COMPLEXITY_LIMIT_EXCEEDED"},
		"unknown directives":    {"{ me " + numbered("@x%d", 400) + " { id } }", "GRAPHQL_VALIDATION_FAILED"},
		"overlapping":           {overlapping(), "GRAPHQL_VALIDATION_FAILED"},
		"introspection":         {`{ __schema { types { name } } }`, "GRAPHQL_VALIDATION_FAILED"},
		"type introspection":    {`query { ...f } fragment f on Query { __type(name: "User") { name } }`, "GRAPHQL_VALIDATION_FAILED"},
		"defer":                 {`{ ... @defer { me { id } } }`, "GRAPHQL_VALIDATION_FAILED"},
		"fragments in a circle": {`{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`, "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got := a.do(c.query, nil)
			require.Equal(t, c.code, got.code(), got.body)
			require.Less(t, len(got.body), 64<<10)
			require.Less(t, time.Since(began), 2*time.Second, "a refusal must be cheap")
		})
	}
}

func TestARefusalSaysWhatTheOperationCosts(t *testing.T) {
	t.Parallel()
	got := newBareAPI(t).do(`{ events(first: 100) { nodes { sections { seats(first: 100) { nodes { label } } } } } }`, nil)
	cost := got.Errors[0].Extensions["cost"].(map[string]any)
	require.EqualValues(t, 20_000, cost["max"])
	require.Greater(t, cost["requested"], 200_000.0)
}

// doubling makes n fragments, each of which spreads the next one twice: 2^n fields.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("{ me { ...f0 } }")
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on User { ...f%d ...f%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment f%d on User { id }", n)
	return b.String()
}

// overlapping makes many fields of one name whose arguments can't be merged.
func overlapping() string {
	return "{" + numbered(`event(id: "%d") { id }`, 100) + "}"
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+" ", i)
	}
	return b.String()
}

func TestSensibleOperationsPass(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, inProduction)
	for _, query := range []string{
		`{ events(first: 100) { edges { cursor node { id name status sections { name price { amount currencyCode } available } } } pageInfo { endCursor hasNextPage } } }`,
		`query($n: Int = 50) { me { reservations(first: $n) { nodes { id status seats { section label price { amount } } payments { id status } event { name } } } } }`,
	} {
		require.Empty(t, a.do(query, nil).Errors)
	}
}

func TestTheSchemaIsForAdminsInProduction(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, inProduction)
	admin := a.as(newUser(), auth.RoleAdmin)
	const schema, typo = `{ __schema { queryType { name } } }`, `{ events(frist: 1) { nods { id } } }`

	require.Equal(t, "GRAPHQL_VALIDATION_FAILED", a.do(schema, nil, a.as(newUser())...).code())
	require.Empty(t, a.do(schema, nil, admin...).Errors)
	require.Contains(t, a.do(typo, nil, admin...).body, "first")
	for _, query := range []string{
		typo, `{ evnts { nodes { id } } }`, `mutation { createEvent(input: {nam: "x"}) { event { id } } }`,
		`{ events(filter: {status: DRAFTS}) { nodes { id } } }`, `query($x: EventFiltr) { events(filter: $x) { nodes { id } } }`,
		`{ event }`,
	} {
		body := a.do(query, nil).body
		require.NotContains(t, body, "Did you mean", query)
	}
	require.Empty(t, newReadAPI(t).do(schema, nil).Errors, "in development for all callers")
}

func TestValuesAreNotCoerced(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	const events = `query($first: Int, $filter: EventFilter) { events(first: $first, filter: $filter) { nodes { id } } }`
	const event = `query($id: ID!, $v: Int) { event(id: $id, minVersion: $v) { id } }`
	const create = `mutation($in: CreateEventInput!) { createEvent(input: $in) { event { id } userErrors { code } } }`
	const pay = `mutation($in: ProcessPaymentInput!) { processPayment(input: $in) { userErrors { code } } }`
	input := func(change string, value any) vars {
		in := map[string]any{"name": "n", "venue": "v", "startsAt": "2026-12-31T20:00:00Z"}
		in[change] = value
		return vars{"in": in}
	}
	for name, c := range map[string]struct {
		query string
		vars  vars
	}{
		"text for Int":              {events, vars{"first": "12"}},
		"fraction for Int":          {events, vars{"first": 1.5}},
		"too large for Int":         {events, vars{"first": 1 << 31}},
		"literal too large":         {`{ events(first: 2147483648) { nodes { id } } }`, nil},
		"literal too small":         {`{ events(first: -2147483649) { nodes { id } } }`, nil},
		"boolean for ID":            {event, vars{"id": true}},
		"enum in lower case":        {events, vars{"filter": map[string]any{"status": "draft"}}},
		"number for enum":           {events, vars{"filter": map[string]any{"status": 1}}},
		"number for String":         {create, input("name", 12)},
		"text for Int inside":       {create, input("paymentAttempts", "1")},
		"number for Time":           {create, input("startsAt", 1798754400)},
		"Time with offset":          {create, input("startsAt", "2026-12-31T20:00:00+01:00")},
		"Time without zone":         {create, input("startsAt", "2026-12-31T20:00:00")},
		"date for Time":             {create, input("salesOpenAt", "2026-12-31")},
		"unknown field":             {create, input("price", 1)},
		"null for non-null":         {create, input("name", nil)},
		"literal Time":              {`mutation { createEvent(input: {name: "n", venue: "v", startsAt: "soon"}) { event { id } } }`, nil},
		"number literal for Time":   {`mutation { createEvent(input: {name: "n", venue: "v", startsAt: 12}) { event { id } } }`, nil},
		"literal number for amount": {`mutation { addInventory(input: {eventId: "e", section: "s", price: {amount: 1.5, currencyCode: "EUR"}}) { event { id } } }`, nil},
		"two of a oneOf":            {pay, vars{"in": map[string]any{"reservationId": "r", "method": map[string]any{}}}},
		"null in a oneOf":           {pay, vars{"in": map[string]any{"reservationId": "r", "method": map[string]any{"card": nil}}}},
		"missing variable":          {event, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.do(c.query, c.vars, organizer...)
			require.Equal(t, "GRAPHQL_VALIDATION_FAILED", got.code(), got.body)
			require.NotContains(t, got.body, `"data"`)
		})
	}
	require.Empty(t, a.do(create, input("description", nil), organizer...).Errors)
}

func TestASingleValueIsAListOfOne(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	const reserve = `mutation($items: [ReserveItemInput!]!, $k: String) { reserveSeats(input: {eventId: "x", items: $items, idempotencyKey: $k}) { userErrors { code field } } }`
	for name, items := range map[string]any{
		"an object":       map[string]any{"section": "s", "quantity": 1},
		"a text inside":   []any{map[string]any{"section": "s", "seats": "A-1"}},
		"both":            map[string]any{"section": "s", "seats": "A-1"},
		"a list as it is": []any{map[string]any{"section": "s", "seats": []any{"A-1"}}},
	} {
		got := a.do(reserve, vars{"items": items, "k": "k"}, a.as(newUser())...)
		_, field := got.userError(t, "reserveSeats")
		require.Equal(t, []any{"eventId"}, field, name)
	}
}
