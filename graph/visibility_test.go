package graph_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.publishAll()
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
		{`{ events(first: 101) { nodes { id } } }`, "BAD_USER_INPUT", "BAD_USER_INPUT"},
		{`{ events(last: 1000000) { nodes { id } } }`, "BAD_USER_INPUT", "BAD_USER_INPUT"},
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

func TestADraftIsVisibleToItsOrganizerAndAdmins(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, former := newUser(), newUser()
	const one, node, list = `query($id: ID!) { event(id: $id) { id } }`, `query($id: ID!) { node(id: $id) { id ... on Event { name } } }`, `{ events { nodes { id } edges { node { id } } } }`
	requireVisible := func(draft string, visible bool, header ...string) {
		t.Helper()
		for _, query := range []string{one, node} {
			got := a.do(query, vars{"id": draft}, header...)
			require.Empty(t, got.Errors)
			require.Equal(t, visible, strings.Contains(got.body, draft), got.body)
		}
		require.Equal(t, visible, strings.Contains(a.do(list, nil, header...).body, draft))
	}
	draft := a.addEvent(organizer, "DRAFT").ID
	requireVisible(draft, false)
	requireVisible(draft, false, a.as(newUser(), auth.RoleOrganizer)...)
	requireVisible(draft, true, a.as(organizer, auth.RoleOrganizer)...)
	requireVisible(draft, true, a.as(newUser(), auth.RoleAdmin)...)
	requireVisible(a.addEvent(former, "DRAFT").ID, false, a.as(former)...) // an organizer who lost the role

	a.exec(`UPDATE events SET status = 'CANCELLED', withdrawn = true WHERE id = $1`, draft)
	requireVisible(draft, false)
	requireVisible(draft, true, a.as(organizer, auth.RoleOrganizer)...)
	requireVisible(draft, true, a.as(newUser(), auth.RoleAdmin)...)
	a.exec(`UPDATE events SET deleted = true WHERE id = $1`, draft)
	requireVisible(draft, false, a.as(organizer, auth.RoleOrganizer)...)
	requireVisible(draft, false, a.as(newUser(), auth.RoleAdmin)...)
}

func TestAReservationIsVisibleToItsParticipants(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, customer := newUser(), newUser()
	r := a.addReservation(a.addEvent(organizer, "SALES_OPEN"), customer)
	p := a.addPayment(r)
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

func TestAUsersListsAreVisibleToThemselves(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, customer := newUser(), newUser()
	r := a.addReservation(a.addEvent(organizer, "SALES_OPEN"), customer)
	const nested = `query($r: ID!) { reservation(id: $r) { id customer { id reservations { nodes { id } } payments { nodes { id } } } } }`
	require.Contains(t, a.do(`{ me { reservations { nodes { id } pageInfo { hasNextPage } } payments { edges { node { id } } } } }`, nil, a.as(customer)...).body, r.ID)
	require.Empty(t, a.do(nested, vars{"r": r.ID}, a.as(customer)...).Errors)
	got := a.do(nested, vars{"r": r.ID}, a.as(organizer, auth.RoleOrganizer)...)
	require.Equal(t, "FORBIDDEN", got.code())
	require.Equal(t, map[string]any{"id": customer, "reservations": nil, "payments": nil}, got.Data["reservation"].(map[string]any)["customer"],
		"only what is forbidden is missing")
}
