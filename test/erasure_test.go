package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/projector"
)

type userValue struct {
	ID    string
	Email *string
	Roles []string
}

// changeUser executes a mutation whose payload has a user.
func (c *client) changeUser(name, inputType string, input vars) (*userValue, []userError) {
	c.t.Helper()
	var data map[string]struct {
		User       *userValue
		UserErrors []userError
	}
	c.mustExecute(fmt.Sprintf(`mutation($i: %s!) { %s(input: $i) { user { id email roles } %s } }`, inputType, name, errorFields), vars{"i": input}, &data)
	return data[name].User, data[name].UserErrors
}

// readUser reads a user by id.
func (c *client) readUser(id string) *userValue {
	c.t.Helper()
	var data struct{ Node *userValue }
	c.mustExecute(`query($id: ID!) { node(id: $id) { ... on User { id email roles } } }`, vars{"id": id}, &data)
	return data.Node
}

func TestErasingAUserRemovesTheirDataEverywhere(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	a := playSale(t, s)
	elsewhere := signIn(t, s.url, "alice@example.com")
	require.Equal(t, a.alice.id, elsewhere.id)
	before := s.dumpReadTables()

	erased, wrong := a.alice.changeUser("eraseCustomer", "EraseCustomerInput", vars{"userId": a.alice.id})
	require.Empty(t, wrong)
	require.Equal(t, &userValue{ID: a.alice.id, Roles: []string{}}, erased)
	for _, session := range []*client{a.alice, elsewhere} {
		require.Equal(t, "UNAUTHENTICATED", session.requireError(`{ me { id } }`, nil), "all sessions end")
	}

	// An admin still sees the purchases and the money, but not who the user was.
	require.Equal(t, &userValue{ID: a.alice.id, Roles: []string{}}, a.organizer.readUser(a.alice.id))
	require.Equal(t, "REFUNDED", a.organizer.readReservation(a.paid, 0).Status)
	require.Equal(t, "85.50", a.organizer.readPayment(a.payment, 0).Amount.Amount)
	require.Zero(t, s.countAddress("alice@example.com"))
	require.Positive(t, s.countAddress("robert@example.com"), "else this looks in the wrong places")

	again := signIn(t, s.url, "alice@example.com")
	require.NotEqual(t, a.alice.id, again.id, "signing in again makes a new user")
	require.Equal(t, "FORBIDDEN", again.requireError(`query($id: ID!) { reservation(id: $id) { id } }`, vars{"id": a.paid}))

	require.Equal(t, before, s.dumpReadTables())
	s.rebuildProjections()
	require.Equal(t, before, s.dumpReadTables(), "the log alone makes the same tables again")
	s.awaitVerified()
}

func TestWhatWasWrittenAboutAUserIsErasedWithThem(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice := s.admin(), s.customer("alice")
	id := onSale(t, admin, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa")).Payment
	refund := requireAccepted(t, admin.refundPayment(paid.ID, "5.00")).Refund
	require.Equal(t, "rain", *refund.Reason)
	held := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation.ID
	requireAccepted(t, alice.executeMutation("cancelReservation", "CancelReservationInput", "reservation { id }",
		vars{"reservationId": held, "reason": "rain", "idempotencyKey": newKey()}))
	read := awaitPayment(t, admin, paid.ID, func(p *paymentValue) bool { return len(p.Refunds) == 1 })
	require.Equal(t, "rain", *read.Refunds[0].Reason)
	require.Equal(t, 2, queryCount(t, s.cfg.AuthURL, `SELECT count(*) FROM texts WHERE text = 'rain' AND user_id = $1`, alice.id))
	require.Zero(t, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events WHERE data::text LIKE '%rain%'`))

	_, wrong := alice.changeUser("eraseCustomer", "EraseCustomerInput", vars{"userId": alice.id})
	require.Empty(t, wrong)
	require.Nil(t, admin.readPayment(paid.ID, 0).Refunds[0].Reason)
	require.Zero(t, queryCount(t, s.cfg.AuthURL, `SELECT count(*) FROM texts`))
	requireAccepted(t, admin.refundPayment(paid.ID, "5.00"))
	require.Zero(t, queryCount(t, s.cfg.AuthURL, `SELECT count(*) FROM texts`), "nothing is kept about a user who was erased")
}

// What a user holds and has not paid is free again when they are erased, and so is what a guest with their address holds.
func TestErasingAUserEndsTheirHolds(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice, guest := s.admin(), s.customer("alice"), startGuest(t, s.url)
	guest.mustExecute(`mutation { setContact(input: {name: "Alice", email: "alice@example.com"}) { userErrors { code } } }`, nil, nil)
	id := onSale(t, admin, 10, nil)
	bought := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.payByCard(bought.ID, "pm_card_visa"))
	held := []string{
		requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "A-1"))).Reservation.ID,
		requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation.ID,
		requireAccepted(t, guest.reserveSeats(id, bestSeats("Floor", 3))).Reservation.ID,
	}
	require.Equal(t, "REQUIRES_ACTION", requireAccepted(t, alice.payByCard(held[1], "pm_card_authenticationRequired")).Payment.Status)

	_, wrong := alice.changeUser("eraseCustomer", "EraseCustomerInput", vars{"userId": alice.id})
	require.Empty(t, wrong)
	for _, reservationID := range held {
		require.Equal(t, "ReservationCancelled", queryText(t, s.cfg.EventsURL, `SELECT type FROM domain_events
			WHERE stream_id = 'reservation-' || $1 ORDER BY version DESC LIMIT 1`, reservationID))
	}
	awaitSections(t, admin, id, map[string][3]int{"Floor": {9, 0, 1}, "Stalls": {20, 0, 0}})
	s.awaitVerified()
}

func TestAnAdminErasesUsersAndGrantsRoles(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice, bob := s.admin(), s.customer("alice"), s.customer("bob")
	require.Equal(t, "FORBIDDEN", bob.requireError(`mutation($id: ID!) { eraseCustomer(input: {userId: $id}) { user { id } } }`, vars{"id": alice.id}))
	require.Equal(t, "FORBIDDEN", bob.requireError(`mutation($id: ID!) { grantRole(input: {userId: $id, role: ADMIN}) { user { id } } }`, vars{"id": bob.id}))
	create := `mutation { createEvent(input: {name: "x", venue: "y", startsAt: "2040-01-01T00:00:00Z"}) { event { id } } }`
	require.Equal(t, "FORBIDDEN", alice.requireError(create, nil))

	granted, wrong := admin.changeUser("grantRole", "RoleInput", vars{"userId": alice.id, "role": "ORGANIZER"})
	require.Empty(t, wrong)
	require.Equal(t, []string{"CUSTOMER", "ORGANIZER"}, granted.Roles)
	alice.mustExecute(create, nil, nil)
	revoked, wrong := admin.changeUser("revokeRole", "RoleInput", vars{"userId": alice.id, "role": "ORGANIZER"})
	require.Empty(t, wrong)
	require.Equal(t, []string{"CUSTOMER"}, revoked.Roles)
	require.Equal(t, "FORBIDDEN", alice.requireError(create, nil))

	for range 2 { // the second time is no error
		erased, wrong := admin.changeUser("eraseCustomer", "EraseCustomerInput", vars{"userId": alice.id})
		require.Empty(t, wrong)
		require.Nil(t, erased.Email)
	}
	_, wrong = admin.changeUser("grantRole", "RoleInput", vars{"userId": alice.id, "role": "ORGANIZER"})
	require.Equal(t, "NOT_FOUND", wrong[0].Code)
	require.Equal(t, 1, queryCount(t, s.cfg.AuthURL, `SELECT count(*) FROM audit_log WHERE action = 'USER_ERASED' AND actor = $1 AND subject = $2`, admin.id, alice.id))
}

// countAddress counts the rows of all databases that contain an address, and logs where they are.
func (s *system) countAddress(address string) (n int) {
	s.t.Helper()
	for _, url := range []string{s.cfg.EventsURL, s.cfg.ReadURL, s.cfg.AuthURL} {
		names := queryText(s.t, url, `SELECT coalesce(string_agg(quote_ident(relname), ' '), '') FROM pg_class
			WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
		for _, name := range strings.Fields(names) {
			found := queryCount(s.t, url, `SELECT count(*) FROM `+name+` t WHERE strpos(t::text, $1) > 0`, address)
			if n += found; found > 0 {
				s.t.Logf("%s is %d times in %s", address, found, name)
			}
		}
	}
	return n
}

// dumpReadTables returns the rows of the tables that projections write, by table.
func (s *system) dumpReadTables() map[string]string {
	s.t.Helper()
	tables := map[string]string{}
	for _, name := range []string{"events", "inventories", "sections", "seats", "reservations", "payments"} {
		tables[name] = queryText(s.t, s.cfg.ReadURL, `SELECT coalesce(string_agg(t::text, E'\n' ORDER BY t::text), '') FROM `+name+` t`)
		require.NotEmpty(s.t, tables[name], name)
	}
	return tables
}

// rebuildProjections rebuilds all projections from the log.
func (s *system) rebuildProjections() {
	s.t.Helper()
	cfg := projector.Config{
		Events: s.openPool(s.cfg.EventsURL), Read: s.openPool(s.cfg.ReadURL), Topics: topicsOf(s.cfg), Registry: catalog.Registry(), Logger: newLogger(),
		Registerer: prometheus.NewRegistry(),
	}
	for _, name := range projector.Names() {
		require.NoError(s.t, projector.Rebuild(s.t.Context(), cfg, name))
	}
}
