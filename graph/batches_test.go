package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

// addSales adds n events with a section each, and a reservation and a payment for each of n customers.
func (a *api) addSales(n int) {
	a.t.Helper()
	a.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts,
			status, created_at, search)
		SELECT 'evt_' || i, 1, 'usr_1', 'Night ' || i, '', '', now(), 8, 1, 'SALES_OPEN', now() + i * interval '1 second', '' FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO inventories SELECT 'evt_' || i, 1 FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO sections SELECT 'evt_' || i, 'Floor', 0, 100, 'EUR', false, 10, 9, 0, 1 FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO reservations (id, version, event_id, customer_id, status, seats, total, currency, created_at, expires_at, completed_at, metadata)
		SELECT 'rsv_' || i, 1, 'evt_' || i, 'usr_' || i, 'COMPLETED', '[{"section": "Floor", "price": {"minor": 100, "currency": "EUR"}}]', 100,
			'EUR', now() + i * interval '1 second', now(), now(), '{}' FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, status, gateway,
			created_at, metadata)
		SELECT 'pay_' || i, 1, 'rsv_' || i, 'usr_' || i, 'evt_' || i, 100, 0, 'EUR', '[]', 'COMPLETED', 'sandbox',
			now() + i * interval '1 second', '{}' FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO section_sales SELECT 'evt_' || i, 'Floor', 'EUR', i, 0, 100 * i, 0 FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO customers SELECT 'usr_' || i, 1, 1, 0, 1, now(), now() FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO customer_spend SELECT 'usr_' || i, 'EUR', 100 * i, 0 FROM generate_series(1, $1::int) i`, n)
	a.exec(`INSERT INTO customer_history SELECT 'usr_' || i, j, now(), 'PAYMENT_COMPLETED', 'evt_' || i, 'rsv_' || i, 'pay_' || i, 0, 100, 'EUR'
		FROM generate_series(1, $1::int) i, generate_series(1, 3) j`, n)
	_, err := a.users.Exec(a.t.Context(), `INSERT INTO users (id, email, created_at, last_seen_at)
		SELECT 'usr_' || i, i || '@example.com', now(), now() FROM generate_series(1, $1::int) i`, n)
	require.NoError(a.t, err)
}

func TestHowManyQueriesAListTakesDoesNotDependOnItsLength(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	a.addSales(100)
	admin := a.as(newUser(), auth.RoleAdmin)
	for name, c := range map[string]struct {
		query   string
		queries int
	}{
		"reservations": {`query($n: Int) { reservations(first: $n) { nodes { id total { amount }
			event { name } customer { email } payments { id } tickets { holderName } } } }`, 5},
		"reservations from their ends": {`query($n: Int) { reservations(last: $n) { edges { node { event { sections { name } } payments { reservation { id } } } } } }`, 5},
		"payments":                     {`query($n: Int) { payments(first: $n) { nodes { id reservation { id event { name } customer { email } payments { id } } } } }`, 5},
		"events": {`query($n: Int) { events(first: $n) { nodes { sections { name }
			reservations(first: 2) { nodes { customer { email } payments { id } } } payments(first: 2) { nodes { reservation { id } } } } } }`, 7},
		"customers": {`query($n: Int) { customers(first: $n) { nodes { tickets spend { net { amount } } history(first: 2) { nodes { kind event { name } } }
			user { email reservations(first: 3) { nodes { payments { id } } } } } } }`, 7},
		"top customers":    {`query($n: Int) { topCustomers(currencyCode: "EUR", first: $n) { edges { node { spend { net { amount } } history { nodes { kind } } } } } }`, 3},
		"popular sections": {`query($n: Int) { popularSections(first: $n) { nodes { section tickets event { name sections { available } } } } }`, 3},
		"below customers": {`query($n: Int) { reservations(first: $n) { nodes { customer {
			reservations(first: 3) { nodes { event { name } payments { id } } }
			payments(filter: {status: COMPLETED}, last: 3) { nodes { id } } } } } }`, 6},
	} {
		for _, n := range []int{1, 10, 100} {
			a.queries.take()
			got := a.do(c.query, vars{"n": n}, admin...)
			require.Empty(t, got.Errors, "%s: %s", name, got.body)
			queries := a.queries.take()
			require.Len(t, queries, c.queries, "%s of %d: %v", name, n, queries)
		}
	}
}

func TestObjectsThatAnOperationNamesAreReadTogether(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	const one, other = "rsv_01h455vb4pex5vsknk084sn02q", "rsv_01h455vb4pex5vsknk084sn02r"
	a.exec(`INSERT INTO reservations (id, version, event_id, customer_id, status, seats, total, currency, created_at, expires_at, metadata)
		SELECT id, 1, 'evt_' || id, 'usr_1', 'COMPLETED', '[]', 100, 'EUR', now(), now(), '{}' FROM unnest($1::text[]) id`, []string{one, other})
	me := a.as("usr_1")
	a.queries.take()
	got := a.do(`query($a: ID!, $b: ID!) { a: reservation(id: $a) { event { id } payments { id } } b: node(id: $b) { ... on Reservation { event { id } payments { id } } } }`,
		vars{"a": one, "b": other}, me...)
	require.Empty(t, got.Errors, got.body)
	require.Len(t, a.queries.take(), 3)
}
