package graph_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

type fakeProjections struct{}

func (fakeProjections) Status(context.Context) ([]query.ProjectionStatus, error) {
	return []query.ProjectionStatus{{
		Name: "sales", Generation: 2, LagRecords: 1 << 40, LagSeconds: 1.5,
		Partitions: []query.PartitionStatus{{Topic: "t", Partition: 3, Position: 1 << 50}},
	}}, nil
}

func TestReportsAreForThoseWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	w := newTables(t)
	organizer := newUser()
	events := map[string]string{"SALES_OPEN": id.New(id.Event), "DRAFT": id.New(id.Event)}
	for status, eventID := range events {
		w.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts,
			status, created_at, search) VALUES ($1, 1, $2, 'Night', '', '', now(), 8, 1, $3, now(), '')`, eventID, organizer, status)
	}
	report := func(eventID string) string { return fmt.Sprintf(`{ salesReport(eventId: %q) { tickets } }`, eventID) }
	on, draft := report(events["SALES_OPEN"]), report(events["DRAFT"])
	const nothing = `{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q") { tickets } }`
	viewers := map[string][]string{
		"nobody": nil, "a customer": w.as(newUser()), "another organizer": w.as(newUser(), auth.RoleOrganizer),
		"the organizer": w.as(organizer, auth.RoleOrganizer), "an admin": w.as(newUser(), auth.RoleAdmin),
	}
	for query, codes := range map[string]map[string]string{
		on:      {"nobody": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "another organizer": "FORBIDDEN", "the organizer": "", "an admin": ""},
		draft:   {"nobody": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "another organizer": "NOT_FOUND", "the organizer": "", "an admin": ""},
		nothing: {"nobody": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "another organizer": "NOT_FOUND", "the organizer": "NOT_FOUND", "an admin": "NOT_FOUND"},
	} {
		for viewer, code := range codes {
			require.Equal(t, code, w.do(query, nil, viewers[viewer]...).code(), "%s: %s", viewer, query)
		}
	}
	for _, query := range []string{
		`{ popularSections { nodes { section } } }`, `{ customers { nodes { id user { email } } } }`, `{ topCustomers(currencyCode: "EUR") { nodes { id } } }`,
		`{ customer(id: "usr_01h455vb4pex5vsknk084sn02q") { id } }`, `{ projectionStatus { name } }`,
	} {
		for viewer, code := range map[string]string{
			"nobody": "UNAUTHENTICATED", "a customer": "FORBIDDEN", "the organizer": "FORBIDDEN", "an admin": "",
		} {
			require.Equal(t, code, w.do(query, nil, viewers[viewer]...).code(), "%s: %s", viewer, query)
		}
	}
	for _, query := range []string{
		`{ salesReport(eventId: "x") { tickets } }`, `{ customer(id: "x") { id } }`, `{ topCustomers(currencyCode: "EURO") { nodes { id } } }`,
		`{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q", from: "2026-02-02", until: "2026-02-01") { tickets } }`,
	} {
		require.Equal(t, "BAD_USER_INPUT", w.do(query, nil, viewers["an admin"]...).code(), query)
	}
	for _, day := range []string{`"2026-02-30"`, `"2026-02-01T00:00:00Z"`, `20260201`, `"0000-01-01"`} {
		query := fmt.Sprintf(`{ salesReport(eventId: "evt_01h455vb4pex5vsknk084sn02q", from: %s) { tickets } }`, day)
		require.Equal(t, "GRAPHQL_VALIDATION_FAILED", w.do(query, nil, viewers["an admin"]...).code(), query)
	}
}

func TestAReportInFull(t *testing.T) {
	t.Parallel()
	w := newTables(t)
	eventID, organizer := id.New(id.Event), newUser()
	w.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts,
		status, created_at, search) VALUES ($1, 1, $2, 'Night', '', '', now(), 8, 1, 'DRAFT', now(), '')`, eventID, organizer)
	w.exec(`INSERT INTO sales (event_id, section, day, currency, sold, returned, gross, refunded) VALUES
		($1, 'Floor', '2026-11-01', 'EUR', 3, 0, 3000, 0), ($1, 'Floor', '2026-11-02', 'EUR', 0, 1, 0, 1250)`, eventID)
	const report = `query($e: ID!, $from: Date) { salesReport(eventId: $e, from: $from) {
		event { name } tickets sold returned gross { amount currencyCode } refunded { amount } net { amount }
		bySection { event { name } section tickets net { amount } } byDay { day tickets net { amount } } } }`
	header := w.as(organizer, auth.RoleOrganizer)
	got := w.do(report, vars{"e": eventID}, header...)
	require.Empty(t, got.Errors, got.body)
	amount := func(s string) map[string]any { return map[string]any{"amount": s} }
	require.Equal(t, map[string]any{
		"event": map[string]any{"name": "Night"}, "tickets": 2., "sold": 3., "returned": 1.,
		"gross": map[string]any{"amount": "30.00", "currencyCode": "EUR"}, "refunded": amount("12.50"), "net": amount("17.50"),
		"bySection": []any{map[string]any{"event": map[string]any{"name": "Night"}, "section": "Floor", "tickets": 2., "net": amount("17.50")}},
		"byDay": []any{
			map[string]any{"day": "2026-11-01", "tickets": 3., "net": amount("30.00")},
			map[string]any{"day": "2026-11-02", "tickets": -1., "net": amount("-12.50")},
		},
	}, got.Data["salesReport"])
	got = w.do(report, vars{"e": eventID, "from": "2026-11-02"}, header...)
	require.Equal(t, amount("-12.50"), got.Data["salesReport"].(map[string]any)["net"])
}

func TestHowFarProjectionsAre(t *testing.T) {
	t.Parallel()
	w := newTables(t)
	got := w.do(`{ projectionStatus { name generation deadLetters lagRecords lagSeconds unpublished partitions { topic partition position lagRecords lagSeconds } } }`,
		nil, w.as(newUser(), auth.RoleAdmin)...)
	require.Empty(t, got.Errors, got.body)
	require.Contains(t, got.body, `"name":"sales","generation":2,"deadLetters":0,"lagRecords":1099511627776,"lagSeconds":1.5,"unpublished":0`)
	require.Contains(t, got.body, `"topic":"t","partition":3,"position":"1125899906842624"`)
}
