package graph_test

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/announce"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/query"
)

func newUser() string { return id.New(id.User) }

// signIn makes a user with these roles, if there is none, and returns the token of a new session.
func (a *api) signIn(userID string, roles ...auth.Role) (token string) {
	a.t.Helper()
	_, err := a.users.Exec(a.t.Context(), `
		WITH made AS (
			INSERT INTO users (id, email, created_at, last_seen_at) VALUES ($1, $2, now(), now()) ON CONFLICT DO NOTHING RETURNING id
		) INSERT INTO user_roles (user_id, role, granted_at) SELECT id, unnest($3::text[]), now() FROM made`,
		userID, userID+"@example.com", slices.Concat([]auth.Role{auth.RoleCustomer}, roles))
	require.NoError(a.t, err)
	session, _, err := a.auth.VerifyMagicLink(a.t.Context(), a.magicLink(userID), "Firefox")
	require.NoError(a.t, err)
	return session.Token
}

// magicLink returns the token of a link mailed to the user's address.
func (a *api) magicLink(userID string) (token string) {
	a.t.Helper()
	token, err := a.auth.RequestMagicLink(a.t.Context(), userID+"@example.com", "")
	require.NoError(a.t, err)
	return token
}

// as signs a user in and returns the header that says so.
func (a *api) as(userID string, roles ...auth.Role) []string {
	a.t.Helper()
	return []string{"Authorization", "Bearer " + a.signIn(userID, roles...)}
}

// exec changes the read tables.
func (a *api) exec(sql string, args ...any) {
	a.t.Helper()
	_, err := a.read.Exec(a.t.Context(), sql, args...)
	require.NoError(a.t, err)
}

// addEvent puts an event on the read side.
func (a *api) addEvent(organizer, status string) query.Event {
	a.t.Helper()
	e := query.Event{ID: id.New(id.Event), Name: "A night", OrganizerID: organizer, Status: status}
	a.exec(`INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, max_tickets_per_reservation, payment_attempts,
			status, created_at, search) VALUES ($1, 1, $2, $3, '', 'A hall', now(), 8, 1, $4, now(), '')`, e.ID, organizer, e.Name, status)
	return e
}

// addReservation puts a reservation on the read side.
func (a *api) addReservation(e query.Event, customer string) query.Reservation {
	a.t.Helper()
	r := query.Reservation{ID: id.New(id.Reservation), EventID: e.ID, CustomerID: customer}
	a.setReservation(r, 1, "SEATS_RESERVED")
	return r
}

// setReservation changes a reservation on the read side, and makes it if there is none.
func (a *api) setReservation(r query.Reservation, version int64, status string) {
	a.t.Helper()
	a.exec(`INSERT INTO reservations (id, version, event_id, customer_id, status, seats, total, currency, created_at, expires_at, metadata)
		VALUES ($1, $2, $3, $4, $5, '[{"section": "Floor", "price": {"minor": 15000, "currency": "EUR"}}]', 15000, 'EUR', now(), now(), '{}')
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, status = excluded.status`, r.ID, version, r.EventID, r.CustomerID, status)
}

// announceReservation changes a reservation and announces it, as a projector does.
func (a *api) announceReservation(r query.Reservation, version int64, status string) {
	a.t.Helper()
	a.setReservation(r, version, status)
	require.NoError(a.t, announce.Publish(a.t.Context(), a.redis, []announce.Change{{Kind: announce.Reservation, ID: r.ID, Version: version}}))
}

// announcePayment announces a change of a payment, as a projector does.
func (a *api) announcePayment(paymentID, reservationID string, version int64) {
	a.t.Helper()
	require.NoError(a.t, announce.Publish(a.t.Context(), a.redis, []announce.Change{
		{Kind: announce.Payment, ID: paymentID, Version: version}, {Kind: announce.PaymentOfReservation, ID: reservationID, Version: version},
	}))
}

// addPayment puts a payment with a pending refund on the read side.
func (a *api) addPayment(r query.Reservation) query.Payment {
	a.t.Helper()
	p := query.Payment{ID: id.New(id.Payment), Refunds: []query.Refund{{
		ID: id.New(id.Refund), Amount: money.Money{Minor: 700, Currency: "EUR"}, Status: "PENDING", CreatedAt: time.Now(),
	}}}
	a.exec(`INSERT INTO payments (id, version, reservation_id, customer_id, event_id, amount, refunded, currency, refunds, status, gateway,
			created_at, metadata)
		VALUES ($1, 1, $2, $3, $4, 15000, 0, 'EUR', jsonb_build_array(jsonb_build_object('id', $5::text, 'status', 'PENDING', 'createdAt', now(),
			'amount', jsonb_build_object('minor', 700, 'currency', 'EUR'))), 'COMPLETED', 'sandbox', now(), '{}')`,
		p.ID, r.ID, r.CustomerID, r.EventID, p.Refunds[0].ID)
	return p
}

// openSales makes an event with a section for 50 guests and one of numbered seats, and opens its sales: on the write side only.
func (a *api) openSales(organizer []string) (eventID string) {
	a.t.Helper()
	created := a.do(`mutation { createEvent(input: {name: "A night", venue: "A hall", startsAt: "2099-12-31T20:00:00Z"}) {
		event { id } userErrors { message } } }`, nil, organizer...)
	eventID = created.field(a.t, "createEvent", "event")["id"].(string)
	opened := a.do(`mutation($e: ID!) {
		floor: addInventory(input: {eventId: $e, section: "Floor", price: {amount: "150", currencyCode: "EUR"}, capacity: 50}) { userErrors { message } }
		box: addInventory(input: {eventId: $e, section: "Box", price: {amount: "200", currencyCode: "EUR"}, rows: [{row: "A", seats: 5}]}) { userErrors { message } }
		publishEvent(input: {eventId: $e}) { userErrors { message } }
		openSales(input: {eventId: $e}) { event { status } userErrors { message } }
	}`, vars{"e": eventID}, organizer...)
	require.Equal(a.t, "SALES_OPEN", opened.field(a.t, "openSales", "event")["status"], opened.body)
	return eventID
}

const reserveMutation = `mutation($e: ID!, $k: String) { reserveSeats(input: {eventId: $e, items: [{section: "Floor", quantity: 1}], idempotencyKey: $k}) {
	reservation { id } userErrors { code field } } }`

// reserve reserves a seat on the write side.
func (a *api) reserve(eventID string, customer []string) (reservationID string) {
	a.t.Helper()
	got := a.do(reserveMutation, vars{"e": eventID, "k": id.New("key")}, customer...)
	return got.field(a.t, "reserveSeats", "reservation")["id"].(string)
}

// recorded returns the number of domain events in the log.
func (a *api) recorded() (n int) {
	a.t.Helper()
	require.NoError(a.t, a.write.Pool.QueryRow(a.t.Context(), `SELECT count(*) FROM domain_events`).Scan(&n))
	return n
}
