package graph_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestListsOfEverythingAreForAdmins(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, customer := newUser(), newUser()
	r := a.addReservation(a.addEvent(organizer, "SALES_OPEN"), customer)
	p := a.addPayment(r)
	for list, object := range map[string]string{
		`{ reservations { nodes { id } edges { cursor node { id } } pageInfo { hasNextPage } } }`: r.ID,
		`{ payments { nodes { id } edges { cursor node { id } } pageInfo { hasNextPage } } }`:     p.ID,
	} {
		require.Equal(t, "UNAUTHENTICATED", a.do(list, nil).code())
		require.Equal(t, "FORBIDDEN", a.do(list, nil, a.as(customer)...).code())
		require.Equal(t, "FORBIDDEN", a.do(list, nil, a.as(organizer, auth.RoleOrganizer)...).code())
		got := a.do(list, nil, a.as(newUser(), auth.RoleAdmin)...)
		require.Empty(t, got.Errors, got.body)
		require.Contains(t, got.body, object)
	}
}

func TestReservationsAndPaymentsAreListedInEitherDirection(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, customer := newUser(), newUser()
	a.signIn(customer)
	e := a.addEvent(organizer, "SALES_OPEN")
	for range 3 {
		a.addPayment(a.addReservation(e, customer))
	}
	admin := a.as(newUser(), auth.RoleAdmin)
	lists := `reservations(orderBy: {direction: $d}) { nodes { id } } payments(orderBy: {direction: $d}) { nodes { id } }`
	for _, query := range []string{
		`query($d: OrderDirection!) { ` + lists + ` }`,
		`query($d: OrderDirection!, $e: ID!) { event(id: $e) { ` + lists + ` } }`,
		`query($d: OrderDirection!, $c: ID!) { node(id: $c) { ... on User { ` + lists + ` } } }`,
	} {
		listed := map[string][][]string{}
		for _, direction := range []string{"ASC", "DESC"} {
			got := a.do(query, vars{"d": direction, "e": e.ID, "c": customer}, admin...)
			require.Empty(t, got.Errors, got.body)
			owner := got.Data
			for _, name := range []string{"event", "node"} {
				if owned, ok := owner[name].(map[string]any); ok {
					owner = owned
				}
			}
			for _, name := range []string{"reservations", "payments"} {
				var ids []string
				for _, node := range owner[name].(map[string]any)["nodes"].([]any) {
					ids = append(ids, node.(map[string]any)["id"].(string))
				}
				require.Len(t, ids, 3)
				listed[name] = append(listed[name], ids)
			}
		}
		for name, both := range listed {
			slices.Reverse(both[1])
			require.Equal(t, both[0], both[1], "%s: %s", name, query)
		}
	}
}

func TestAnOrganizerSeesTheSalesOfTheirEvents(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, customer := newUser(), newUser()
	e := a.addEvent(organizer, "SALES_OPEN")
	r := a.addReservation(e, customer)
	p := a.addPayment(r)
	other := a.addPayment(a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), customer))
	const sales = `query($e: ID!) { event(id: $e) { name reservations { nodes { id } } payments { nodes { id } } } }`
	for code, header := range map[string][]string{
		"UNAUTHENTICATED": nil, "FORBIDDEN": a.as(newUser(), auth.RoleOrganizer),
	} {
		got := a.do(sales, vars{"e": e.ID}, header...)
		require.Len(t, got.Errors, 2, got.body)
		require.Equal(t, code, got.code())
		require.Equal(t, map[string]any{"name": e.Name, "reservations": nil, "payments": nil}, got.Data["event"], "the event itself is for all")
	}
	require.Equal(t, "FORBIDDEN", a.do(sales, vars{"e": e.ID}, a.as(customer)...).code(), "a customer does not see other customers")
	for _, header := range [][]string{a.as(organizer, auth.RoleOrganizer), a.as(newUser(), auth.RoleAdmin)} {
		got := a.do(sales, vars{"e": e.ID}, header...)
		require.Empty(t, got.Errors, got.body)
		require.Contains(t, got.body, r.ID)
		require.Contains(t, got.body, p.ID)
		require.NotContains(t, got.body, other.ID)
	}
}

func TestOrganizersSeeNothingElseOfTheirCustomers(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer, customer := newUser(), newUser()
	a.signIn(customer)
	e := a.addEvent(organizer, "SALES_OPEN")
	a.addPayment(a.addReservation(e, customer))
	elsewhere := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), customer)
	header := a.as(organizer, auth.RoleOrganizer)

	got := a.do(`query($e: ID!) { event(id: $e) { reservations { nodes { customer { id email roles } } } payments { nodes { reservation { customer { email } } } } } }`, vars{"e": e.ID}, header...)
	require.Empty(t, got.Errors, got.body)
	require.Contains(t, got.body, `{"id":"`+customer+`","email":null,"roles":[]}`)
	require.NotContains(t, got.body, "@example.com")

	for _, list := range []string{"reservations", "payments"} {
		got := a.do(`query($e: ID!) { event(id: $e) { reservations { nodes { customer { `+list+` { nodes { id } } } } } } }`, vars{"e": e.ID}, header...)
		require.Equal(t, "FORBIDDEN", got.code())
		require.NotContains(t, got.body, elsewhere.ID)
	}
	got = a.do(`{ events { nodes { reservations { nodes { id } } } } }`, nil, header...)
	require.Equal(t, "FORBIDDEN", got.code(), "of those among them that are not theirs")
	require.NotContains(t, got.body, elsewhere.ID)
}

func TestFiltersOfListsAreChecked(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	admin := a.as(newUser(), auth.RoleAdmin)
	for _, query := range []string{
		`{ reservations(filter: {eventId: "rsv_01h455vb4pex5vsknk084sn02q"}) { nodes { id } } }`,
		`{ reservations(filter: {customerId: "x"}) { nodes { id } } }`,
		`{ payments(filter: {eventId: "x"}) { nodes { id } } }`,
		`{ payments(filter: {gateway: "stripe\u0000"}) { nodes { id } } }`,
		`{ events(filter: {organizerId: "x"}) { nodes { id } } }`,
		`{ me { reservations(filter: {eventId: "x"}) { nodes { id } } } }`,
		`{ me { payments(filter: {customerId: "x"}) { nodes { id } } } }`,
	} {
		require.Equal(t, "BAD_USER_INPUT", a.do(query, nil, admin...).code(), query)
	}
	for _, query := range []string{
		`{ reservations(filter: {status: PAID}) { nodes { id } } }`,
		`{ payments(filter: {createdAfter: "yesterday"}) { nodes { id } } }`,
	} {
		require.Equal(t, "GRAPHQL_VALIDATION_FAILED", a.do(query, nil, admin...).code(), query)
	}
	const nested = `query($n: Int) { payments(first: 100) { nodes { reservation { customer { payments(first: $n) { nodes { id } } } } } } }`
	require.Equal(t, "COMPLEXITY_LIMIT_EXCEEDED", a.do(nested, vars{"n": 100}, admin...).code())
	require.Empty(t, a.do(nested, vars{"n": 50}, admin...).Errors)
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	a.addSales(30)
	a.exec(`UPDATE reservations SET status = 'CANCELLED' WHERE right(id, 1) = '5'`)
	a.exec(`UPDATE payments SET gateway = 'paypal' WHERE right(id, 1) = '7'`)
	admin := a.as(newUser(), auth.RoleAdmin)
	ids := func(got response, list string) (ids []string, end any) {
		t.Helper()
		require.Empty(t, got.Errors, got.body)
		connection := got.Data[list].(map[string]any)
		for _, node := range connection["nodes"].([]any) {
			ids = append(ids, node.(map[string]any)["id"].(string))
		}
		return ids, connection["pageInfo"].(map[string]any)["endCursor"]
	}
	const list = `query($after: String) { reservations(filter: {status: CANCELLED}, first: 2, after: $after) { nodes { id } pageInfo { endCursor } } }`
	found, end := ids(a.do(list, nil, admin...), "reservations")
	require.Equal(t, []string{"rsv_25", "rsv_15"}, found)
	found, _ = ids(a.do(list, vars{"after": end}, admin...), "reservations")
	require.Equal(t, []string{"rsv_5"}, found)
	found, _ = ids(a.do(`{ payments(filter: {gateway: "paypal", status: COMPLETED}, last: 5) { nodes { id } pageInfo { endCursor } } }`, nil, admin...), "payments")
	require.Equal(t, []string{"pay_27", "pay_17", "pay_7"}, found)
	require.Equal(t, "BAD_USER_INPUT", a.do(`{ payments(after: "x") { nodes { id } } }`, nil, admin...).code())
	require.Equal(t, "BAD_USER_INPUT", a.do(`{ me { payments(after: "x") { nodes { id } } } }`, nil, a.as("usr_1")...).code())
}
