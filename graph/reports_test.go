package graph_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
)

func TestReportsAreForOrganizersAndAdmins(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	organizer := newUser()
	report := func(eventID string) string { return fmt.Sprintf(`{ salesReport(eventId: %q) { tickets } }`, eventID) }
	on, draft := report(a.addEvent(organizer, "SALES_OPEN").ID), report(a.addEvent(organizer, "DRAFT").ID)
	const nothing = `{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q") { tickets } }`
	viewers := map[string][]string{
		"no user": nil, "a customer": a.as(newUser()), "another organizer": a.as(newUser(), auth.RoleOrganizer),
		"the organizer": a.as(organizer, auth.RoleOrganizer), "an admin": a.as(newUser(), auth.RoleAdmin),
	}
	for query, codes := range map[string]map[string]string{
		on:      {"no user": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "another organizer": "FORBIDDEN", "the organizer": "", "an admin": ""},
		draft:   {"no user": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "another organizer": "NOT_FOUND", "the organizer": "", "an admin": ""},
		nothing: {"no user": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "another organizer": "NOT_FOUND", "the organizer": "NOT_FOUND", "an admin": "NOT_FOUND"},
	} {
		for viewer, code := range codes {
			require.Equal(t, code, a.do(query, nil, viewers[viewer]...).code(), "%s: %s", viewer, query)
		}
	}
	for _, query := range []string{
		`{ popularSections { nodes { section } } }`, `{ customers { nodes { id user { email } } } }`, `{ topCustomers(currencyCode: "EUR") { nodes { id } } }`,
		`{ customer(id: "usr_01h455vb4pex5vsknk084sn02q") { id } }`, `{ projectionStatus { name } }`,
	} {
		for viewer, code := range map[string]string{
			"no user": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "the organizer": "FORBIDDEN", "an admin": "",
		} {
			require.Equal(t, code, a.do(query, nil, viewers[viewer]...).code(), "%s: %s", viewer, query)
		}
	}
	for _, query := range []string{
		`{ salesReport(eventId: "x") { tickets } }`, `{ customer(id: "x") { id } }`, `{ topCustomers(currencyCode: "EURO") { nodes { id } } }`,
		`{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q", from: "2026-02-02", until: "2026-02-01") { tickets } }`,
	} {
		require.Equal(t, "BAD_USER_INPUT", a.do(query, nil, viewers["an admin"]...).code(), query)
	}
	for _, day := range []string{`"2026-02-30"`, `"2026-02-01T00:00:00Z"`, `20260201`, `"0000-01-01"`} {
		query := fmt.Sprintf(`{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q", from: %s) { tickets } }`, day)
		require.Equal(t, "GRAPHQL_VALIDATION_FAILED", a.do(query, nil, viewers["an admin"]...).code(), query)
	}
}

// A client that keeps objects by their ids must not take a customer for the user.
func TestACustomerHasAnIDOfTheirOwn(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me, admin := newUser(), a.as(newUser(), auth.RoleAdmin)
	a.signIn(me)
	a.exec(`INSERT INTO customers VALUES ($1, 1, 1, 0, 2, now(), now())`, me)
	mine := id.OfCustomer(me)
	want := map[string]any{"__typename": "Customer", "id": mine, "user": map[string]any{"__typename": "User", "id": me}}
	const byID = `query($id: ID!) { customer(id: $id) { __typename id user { __typename id } } }`
	require.Equal(t, want, a.do(byID, vars{"id": mine}, admin...).field(t, "customer"))
	require.Equal(t, want, a.do(byID, vars{"id": me}, admin...).field(t, "customer"), "the user's id finds them too")
	require.Equal(t, "BAD_USER_INPUT", a.do(byID, vars{"id": id.New(id.Customer) + "0"}, admin...).code())

	const node = `query($id: ID!) { node(id: $id) { ... on Customer { __typename id user { __typename id } } } }`
	require.Equal(t, want, a.do(node, vars{"id": mine}, admin...).field(t, "node"))
	require.Equal(t, "FORBIDDEN", a.do(node, vars{"id": mine}, a.as(me)...).code(), "as with customer(id:)")
	require.Equal(t, "UNAUTHENTICATED", a.do(node, vars{"id": mine}).code())
}

func TestAReportInFull(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	organizer := newUser()
	eventID := a.addEvent(organizer, "DRAFT").ID
	a.exec(`INSERT INTO sales (event_id, section, day, currency, sold, returned, gross, refunded) VALUES
		($1, 'Floor', '2026-11-01', 'EUR', 3, 0, 3000, 0), ($1, 'Floor', '2026-11-02', 'EUR', 0, 1, 0, 1250)`, eventID)
	const report = `query($e: ID!, $from: Date) { salesReport(eventId: $e, from: $from) {
		event { name } tickets sold returned gross { amount currencyCode } refunded { amount } net { amount }
		bySection { event { name } section tickets net { amount } } byDay { day tickets net { amount } } } }`
	header := a.as(organizer, auth.RoleOrganizer)
	got := a.do(report, vars{"e": eventID}, header...)
	require.Empty(t, got.Errors, got.body)
	amount := func(s string) map[string]any { return map[string]any{"amount": s} }
	require.Equal(t, map[string]any{
		"event": map[string]any{"name": "A night"}, "tickets": 2., "sold": 3., "returned": 1.,
		"gross": map[string]any{"amount": "30.00", "currencyCode": "EUR"}, "refunded": amount("12.50"), "net": amount("17.50"),
		"bySection": []any{map[string]any{"event": map[string]any{"name": "A night"}, "section": "Floor", "tickets": 2., "net": amount("17.50")}},
		"byDay": []any{
			map[string]any{"day": "2026-11-01", "tickets": 3., "net": amount("30.00")},
			map[string]any{"day": "2026-11-02", "tickets": -1., "net": amount("-12.50")},
		},
	}, got.Data["salesReport"])
	got = a.do(report, vars{"e": eventID, "from": "2026-11-02"}, header...)
	require.Equal(t, amount("-12.50"), got.Data["salesReport"].(map[string]any)["net"])
}
