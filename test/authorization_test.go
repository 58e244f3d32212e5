package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/internal/id"
)

// Each kind of user executes each operation. The tables below say who may do what; a root field or an edge between objects that they lack fails
// the tests.

// cast lists the kinds of users.
var cast = []string{"visitor", "customer", "other customer", "organizer", "other organizer", "admin"}

// expectations are the outcomes for the cast: the code of the first error, at the top or in userErrors; "null" for a root field that is null without
// an error; "ok" for everything else. One for all, or one for each, in the order of the cast.
type expectations []string

func (a expectations) of(i int) string {
	if len(a) == 1 {
		return a[0]
	}
	return a[i]
}

var (
	anyone             = expectations{"ok"}
	signedIn           = expectations{"UNAUTHENTICATED", "ok", "ok", "ok", "ok", "ok"}
	organizers         = expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "ok", "ok", "ok"}
	eventManagers      = expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "ok", "FORBIDDEN", "ok"}
	reservationReaders = expectations{"UNAUTHENTICATED", "ok", "FORBIDDEN", "ok", "FORBIDDEN", "ok"}
	reservationOwner   = expectations{"UNAUTHENTICATED", "ok", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"}
	ownerOrAdmin       = expectations{"UNAUTHENTICATED", "ok", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"}
	admins             = expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"}
)

// authCase is an operation that all of the cast execute.
type authCase struct {
	query string
	// vars returns new variables for each user; nil: none.
	vars func(st *authStage, by *client) vars
	want expectations
	// alone means a session of its own, because the operation ends or changes the session.
	alone bool
}

// authStage is a system with an object of each kind.
type authStage struct {
	*system

	users map[string]*client

	event, draft                 string // the organizer's
	reservation, payment, refund string // the customer's, for the event
}

// withInput makes the value of of a mutation's input.
func withInput(of func(st *authStage, by *client) vars) func(*authStage, *client) vars {
	return func(st *authStage, by *client) vars { return vars{"i": of(st, by)} }
}

// withID makes the id of one of the stage's objects a variable.
func withID(of func(st *authStage) string) func(*authStage, *client) vars {
	return func(st *authStage, _ *client) vars { return vars{"id": of(st)} }
}

func eventID(st *authStage) string       { return st.event }
func draftID(st *authStage) string       { return st.draft }
func reservationID(st *authStage) string { return st.reservation }
func paymentID(st *authStage) string     { return st.payment }
func refundID(st *authStage) string      { return st.refund }
func ticketID(st *authStage) string      { return id.Ticket(st.reservation, 0) }
func customerID(st *authStage) string    { return st.users["customer"].id }

// newDraft creates a draft of the organizer that can be published, and executes actions on it.
func (st *authStage) newDraft(actions ...string) string {
	organizer := st.users["organizer"]
	id := requireAccepted(st.t, organizer.createEvent(nil)).Event.ID
	requireAccepted(st.t, organizer.addInventory(id, "Floor", "20.00", vars{"capacity": 10}))
	for _, action := range actions {
		requireAccepted(st.t, organizer.eventAction(action, id))
	}
	return id
}

// onDraftAfter returns the input of an action on an event that has been through other actions.
func onDraftAfter(actions ...string) func(*authStage, *client) vars {
	return withInput(func(st *authStage, _ *client) vars { return vars{"eventId": st.newDraft(actions...)} })
}

// newReservation returns a new, unpaid reservation of the customer.
func (st *authStage) newReservation() string {
	return requireAccepted(st.t, st.users["customer"].reserveSeats(st.event, bestSeats("Floor", 1))).Reservation.ID
}

// newPayment returns a new payment of the customer.
func (st *authStage) newPayment(token string) string {
	return st.users["customer"].payByCard(st.newReservation(), token).Payment.ID
}

// newUser signs a new user in.
func (st *authStage) newUser() *client { return signIn(st.t, st.url, newKey()+"@example.com") }

func startAuthStage(t *testing.T) *authStage {
	t.Helper()
	env := newEnvironment(t)
	env["AUTH_MAX_CONCURRENT_SESSIONS"] = "1000"
	st := &authStage{system: startSystemIn(t, env), users: map[string]*client{}}
	for _, name := range cast[1:] {
		st.users[name] = signIn(t, st.url, strings.ReplaceAll(name, " ", ".")+"@example.com")
	}
	st.users["visitor"] = &client{t: t, url: st.url}
	for _, name := range []string{"organizer", "other organizer"} {
		_, wrong := st.users["admin"].changeUser("grantRole", "RoleInput", vars{"userId": st.users[name].id, "role": "ORGANIZER"})
		require.Empty(t, wrong)
	}
	customer, organizer := st.users["customer"], st.users["organizer"]
	st.event = onSale(t, organizer, 10_000, vars{"maxTicketsPerReservation": 8})
	st.draft = requireAccepted(t, organizer.createEvent(vars{"name": secretPlans})).Event.ID
	awaitEventStatus(t, organizer, st.draft, "DRAFT")
	awaitReservations(t, customer, st.event)
	st.reservation = requireAccepted(t, customer.reserveSeats(st.event, bestSeats("Floor", 2))).Reservation.ID
	paid := requireAccepted(t, customer.payByCard(st.reservation, "pm_card_visa"))
	st.payment = paid.Payment.ID
	require.NotNil(t, customer.readPayment(st.payment, paid.Payment.Version))
	require.NotNil(t, customer.readReservation(st.reservation, paid.Reservation.Version))
	st.refund = requireAccepted(t, organizer.refundPayment(st.payment, "1.00")).Refund.ID
	awaitPayment(t, customer, st.payment, func(p *paymentValue) bool { return p.Refunded.Amount == "1.00" })
	return st
}

const (
	secretPlans   = "Secret plans"
	customersMail = "customer@example.com"
)

// rootCases has the operations by root field, with a remark if a field has several.
var rootCases = map[string]authCase{
	"Query.me":                  {query: `{ me { id } }`, want: expectations{"null", "ok", "ok", "ok", "ok", "ok"}},
	"Query.event":               {query: `query($id: ID!) { event(id: $id) { id name } }`, vars: withID(eventID), want: anyone},
	"Query.event of a draft":    {query: `query($id: ID!) { event(id: $id) { id name } }`, vars: withID(draftID), want: draftReaders},
	"Query.events":              {query: `{ events(first: 100) { nodes { id name } } }`, want: anyone},
	"Query.events for drafts":   {query: `{ events(first: 100, filter: {status: DRAFT}) { nodes { id name } } }`, want: anyone},
	"Query.reservation":         {query: `query($id: ID!) { reservation(id: $id) { id } }`, vars: withID(reservationID), want: reservationReaders},
	"Query.payment":             {query: `query($id: ID!) { payment(id: $id) { id } }`, vars: withID(paymentID), want: reservationReaders},
	"Query.node of an event":    {query: nodeQuery, vars: withID(eventID), want: anyone},
	"Query.node of a draft":     {query: nodeQuery, vars: withID(draftID), want: draftReaders},
	"Query.node of a sale":      {query: nodeQuery, vars: withID(reservationID), want: reservationReaders},
	"Query.node of a payment":   {query: nodeQuery, vars: withID(paymentID), want: reservationReaders},
	"Query.ticket":              {query: `query($id: ID!) { ticket(id: $id) { id } }`, vars: withID(ticketID), want: reservationReaders},
	"Query.node of a ticket":    {query: nodeQuery, vars: withID(ticketID), want: reservationReaders},
	"Query.node of a refund":    {query: nodeQuery, vars: withID(refundID), want: reservationReaders},
	"Query.node of a user":      {query: nodeQuery, vars: withID(customerID), want: ownerOrAdmin},
	"Query.auditLog":            {query: `query($id: ID!) { auditLog(id: $id) { nodes { id } } }`, vars: withID(reservationID), want: admins},
	"Query.users":               {query: `{ users(first: 100) { nodes { id email } } }`, want: admins},
	"Query.users by an address": {query: `{ users(filter: {email: "customer@example.com"}) { nodes { id } } }`, want: admins},
	"Query.accessLog":           {query: `{ accessLog { nodes { id user { email } } } }`, want: admins},

	"Query._entities of a sale": {query: entityQuery, vars: withReference("Reservation", reservationID), want: reservationReaders},
	"Query._entities of a user": {query: entityQuery, vars: withReference("User", customerID), want: ownerOrAdmin},
	"Query._service":            {query: `{ _service { sdl } }`, want: anyone}, // in production, as introspection, for admins

	"Query.reservations":     {query: `{ reservations { nodes { id } } }`, want: admins},
	"Query.waitingRefunds":   {query: `{ waitingRefunds { nodes { id } } }`, want: admins},
	"Query.payments":         {query: `{ payments { nodes { id } } }`, want: admins},
	"Query.salesReport":      {query: `query($id: ID!) { salesReport(eventId: $id) { tickets } }`, vars: withID(eventID), want: eventManagers},
	"Query.popularSections":  {query: `{ popularSections { nodes { section } } }`, want: admins},
	"Query.customers":        {query: `{ customers { nodes { id } } }`, want: admins},
	"Query.customer":         {query: `query($id: ID!) { customer(id: $id) { id } }`, vars: withID(customerID), want: admins},
	"Query.topCustomers":     {query: `{ topCustomers(currencyCode: "EUR") { nodes { id } } }`, want: admins},
	"Query.projectionStatus": {query: `{ projectionStatus { name } }`, want: admins},

	"Mutation.requestMagicLink": {
		query: `mutation($i: RequestMagicLinkInput!) { requestMagicLink(input: $i) { userErrors { code } } }`,
		vars:  withInput(func(*authStage, *client) vars { return vars{"email": newKey() + "@example.com"} }), want: anyone,
	},
	"Mutation.verifyMagicLink": {
		query: `mutation($i: VerifyMagicLinkInput!) { verifyMagicLink(input: $i) { userErrors { code } } }`,
		vars:  withInput(func(*authStage, *client) vars { return vars{"token": "nonsense"} }), want: expectations{"LINK_INVALID"},
	},
	"Mutation.startGuestSession": {
		query: `mutation { startGuestSession { userErrors { code } } }`,
		want:  expectations{"ok", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE"},
	},
	"Mutation.setContact": {
		query: `mutation($i: SetContactInput!) { setContact(input: $i) { userErrors { code } } }`,
		vars:  withInput(func(*authStage, *client) vars { return vars{"name": "Ann", "email": newKey() + "@example.com"} }),
		want:  expectations{"UNAUTHENTICATED", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE", "INVALID_STATE"},
	},
	"Mutation.renameTicket": {
		query: `mutation($i: RenameTicketInput!) { renameTicket(input: $i) { ticket { holderName } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"ticketId": ticketID(st), "holderName": "Ann"} }), want: ownerOrAdmin,
	},
	"Mutation.signOut":      {query: `mutation { signOut { userErrors { code } } }`, want: anyone, alone: true},
	"Mutation.renewSession": {query: `mutation { renewSession { userErrors { code } } }`, want: signedIn, alone: true},
	"Mutation.revokeSession": {
		query: `mutation($i: RevokeSessionInput!) { revokeSession(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"sessionId": st.newSessionID("customer")} }),
		want:  expectations{"UNAUTHENTICATED", "ok", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"},
	},
	"Mutation.revokeAllSessions": {
		query: `mutation($i: RevokeAllSessionsInput!) { revokeAllSessions(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(*authStage, *client) vars { return vars{"keepCurrent": true} }), want: signedIn,
	},
	"Mutation.revokeAllSessions of another user": {
		query: `mutation($i: RevokeAllSessionsInput!) { revokeAllSessions(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"userId": st.newUser().id} }), want: admins,
	},
	"Mutation.eraseCustomer": {
		query: `mutation($i: EraseCustomerInput!) { eraseCustomer(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"userId": st.newUser().id} }), want: admins,
	},
	"Mutation.grantRole": {
		query: `mutation($i: RoleInput!) { grantRole(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"userId": st.newUser().id, "role": "ADMIN"} }), want: admins,
	},
	"Mutation.grantRole to oneself": {
		query: `mutation($i: RoleInput!) { grantRole(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(_ *authStage, by *client) vars { return vars{"userId": by.id, "role": "ADMIN"} }),
		want:  expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"},
	},
	"Mutation.revokeRole": {
		query: `mutation($i: RoleInput!) { revokeRole(input: $i) { user { id } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"userId": st.newUser().id, "role": "ORGANIZER"} }), want: admins,
	},

	"Mutation.createEvent": {
		query: `mutation($i: CreateEventInput!) { createEvent(input: $i) { userErrors { code } } }`,
		vars: withInput(func(*authStage, *client) vars {
			return vars{"name": "A night", "venue": "A hall", "startsAt": "2040-01-01T20:00:00Z"}
		}), want: organizers,
	},
	"Mutation.updateEvent": {
		query: `mutation($i: UpdateEventInput!) { updateEvent(input: $i) { userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"eventId": st.event, "description": newKey()} }), want: eventManagers,
	},
	"Mutation.updateEvent of a draft": {
		query: `mutation($i: UpdateEventInput!) { updateEvent(input: $i) { event { name } userErrors { code } } }`,
		vars:  withInput(func(st *authStage, _ *client) vars { return vars{"eventId": st.draft, "description": newKey()} }), want: eventManagers,
	},
	"Mutation.addInventory": {
		query: `mutation($i: AddInventoryInput!) { addInventory(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"eventId": st.newDraft(), "section": "Box", "price": vars{"amount": "1.00", "currencyCode": "EUR"}, "capacity": 1}
		}), want: eventManagers,
	},
	"Mutation.updateSection": {
		query: `mutation($i: UpdateSectionInput!) { updateSection(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"eventId": st.newDraft(), "section": "Floor", "capacity": 11}
		}), want: eventManagers,
	},
	"Mutation.publishEvent": {query: eventMutation("publishEvent", "EventIDInput"), vars: onDraftAfter(), want: eventManagers},
	"Mutation.deleteDraft":  {query: eventMutation("deleteDraft", "EventIDInput"), vars: onDraftAfter(), want: eventManagers},
	"Mutation.openSales":    {query: eventMutation("openSales", "EventIDInput"), vars: onDraftAfter("publishEvent"), want: eventManagers},
	"Mutation.closeSales":   {query: eventMutation("closeSales", "EventIDInput"), vars: onDraftAfter("publishEvent", "openSales"), want: eventManagers},
	"Mutation.cancelEvent":  {query: eventMutation("cancelEvent", "CancelEventInput"), vars: onDraftAfter("publishEvent"), want: eventManagers},
	"Mutation.completeEvent before it took place": {
		query: eventMutation("completeEvent", "EventIDInput"), vars: onDraftAfter("publishEvent"),
		want: expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "INVALID_STATE", "FORBIDDEN", "INVALID_STATE"},
	},

	"Mutation.reserveSeats": {
		query: `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"eventId": st.event, "items": []vars{bestSeats("Floor", 1)}, "idempotencyKey": newKey()}
		}), want: signedIn,
	},
	"Mutation.reserveSeats of a draft": {
		query: `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"eventId": st.draft, "items": []vars{bestSeats("Floor", 1)}, "idempotencyKey": newKey()}
		}), want: expectations{"UNAUTHENTICATED", "NOT_FOUND", "NOT_FOUND", "SALES_NOT_OPEN", "NOT_FOUND", "SALES_NOT_OPEN"},
	},
	"Mutation.cancelReservation": {
		query: `mutation($i: CancelReservationInput!) { cancelReservation(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"reservationId": st.newReservation(), "idempotencyKey": newKey()}
		}), want: ownerOrAdmin,
	},
	"Mutation.processPayment": {
		query: `mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"reservationId": st.newReservation(), "idempotencyKey": newKey(), "method": vars{"card": vars{"token": "pm_card_visa"}}}
		}), want: reservationOwner,
	},
	"Mutation.confirmPayment": {
		query: `mutation($i: ConfirmPaymentInput!) { confirmPayment(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"paymentId": st.newPayment("pm_card_authenticationRequired"), "idempotencyKey": newKey()}
		}), want: reservationOwner,
	},
	"Mutation.cancelPayment": {
		query: `mutation($i: CancelPaymentInput!) { cancelPayment(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"paymentId": st.newPayment("pm_card_authenticationRequired"), "idempotencyKey": newKey()}
		}), want: ownerOrAdmin,
	},
	"Mutation.refundPayment": {
		query: `mutation($i: RefundPaymentInput!) { refundPayment(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"paymentId": st.newPayment("pm_card_visa"), "idempotencyKey": newKey()}
		}), want: eventManagers,
	},

	"Mutation.retryRefund": {
		query: `mutation($i: RetryRefundInput!) { retryRefund(input: $i) { userErrors { code } } }`,
		vars: withInput(func(st *authStage, _ *client) vars {
			return vars{"refundId": st.refund, "idempotencyKey": newKey()}
		}), want: expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "INVALID_STATE", "FORBIDDEN", "INVALID_STATE"},
	},

	"Subscription.reservationStatus": {
		query: `subscription($id: ID!) { reservationStatus(id: $id) { id } }`, vars: withID(reservationID), want: reservationReaders,
	},
	"Subscription.availability": {
		query: `subscription($id: ID!) { availability(eventId: $id) { id } }`, vars: withID(eventID), want: anyone,
	},
	"Subscription.seatChanges": {
		query: `subscription($id: ID!) { seatChanges(eventId: $id) { version } }`, vars: withID(eventID), want: anyone,
	},
	"Subscription.seatChanges of a draft": {
		query: `subscription($id: ID!) { seatChanges(eventId: $id) { version } }`, vars: withID(draftID),
		want: expectations{"NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "ok", "NOT_FOUND", "ok"},
	},
	"Subscription.availability of a draft": {
		query: `subscription($id: ID!) { availability(eventId: $id) { id name } }`, vars: withID(draftID),
		want: expectations{"NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "ok", "NOT_FOUND", "ok"},
	},
}

var draftReaders = expectations{"null", "null", "null", "ok", "null", "ok"}

const nodeQuery = `query($id: ID!) { node(id: $id) { id ... on Event { name } ... on User { email } } }`

const entityQuery = `query($of: [_Any!]!) { _entities(representations: $of) { ... on Node { id } } }`

// withReference makes a gateway's reference to one of the stage's objects a variable.
func withReference(typeName string, of func(st *authStage) string) func(*authStage, *client) vars {
	return func(st *authStage, _ *client) vars {
		return vars{"of": []vars{{"__typename": typeName, "id": of(st)}}}
	}
}

func eventMutation(name, inputType string) string {
	return fmt.Sprintf(`mutation($i: %s!) { %s(input: $i) { userErrors { code } } }`, inputType, name)
}

func TestEachRootFieldIsOpenToTheRightUsersOnly(t *testing.T) {
	t.Parallel()
	st := startAuthStage(t)
	requireCoverage(t, st.listRootFields(), rootCases)
	st.runCases(rootCases)
}

// edgeCases are the ways from one object to another. An object that a user may not see is hidden on each of them.
var edgeCases = map[string]authCase{
	"Reservation.event":    {query: onReservation(`event { id name }`), vars: withID(reservationID), want: reservationReaders},
	"Reservation.customer": {query: onReservation(`customer { id email roles }`), vars: withID(reservationID), want: reservationReaders},
	"Reservation.tickets":  {query: onReservation(`tickets { id }`), vars: withID(reservationID), want: reservationReaders},
	"Reservation.payments": {query: onReservation(`payments { id }`), vars: withID(reservationID), want: reservationReaders},
	"Payment.reservation":  {query: onPayment(`reservation { id }`), vars: withID(paymentID), want: reservationReaders},
	"Payment.disputes":     {query: onPayment(`disputes { id }`), vars: withID(paymentID), want: reservationReaders},
	"Payment.refunds":      {query: onPayment(`refunds { id }`), vars: withID(paymentID), want: reservationReaders},
	"User.reservations":    {query: onReservation(`customer { reservations { nodes { id } } }`), vars: withID(reservationID), want: ownerOrAdmin},
	"User.payments":        {query: onReservation(`customer { payments { nodes { id } } }`), vars: withID(reservationID), want: ownerOrAdmin},
	"User.sessions":        {query: onReservation(`customer { sessions { id } }`), vars: withID(reservationID), want: ownerOrAdmin},
	"User.reservations of a payment": {
		query: onPayment(`reservation { customer { reservations { edges { node { payments { reservation { id } } } } } } }`),
		vars:  withID(paymentID), want: ownerOrAdmin,
	},
	"User.sessions of a node":    {query: `query($id: ID!) { node(id: $id) { ... on User { sessions { id } } } }`, vars: withID(customerID), want: ownerOrAdmin},
	"User.sessions of all":       {query: `{ users { nodes { sessions { id } } } }`, want: admins},
	"User.sessions of oneself":   {query: `{ me { sessions { id } reservations { nodes { id } } payments { nodes { id } } } }`, want: expectations{"null", "ok", "ok", "ok", "ok", "ok"}},
	"Event.section":              {query: onEvent(`section(name: "Floor") { id name }`), vars: withID(eventID), want: anyone},
	"Event.sections":             {query: onEvent(`sections { id name }`), vars: withID(eventID), want: anyone},
	"Event.reservations":         {query: onEvent(`reservations { nodes { id } }`), vars: withID(eventID), want: eventManagers},
	"Event.payments":             {query: onEvent(`payments { nodes { id } }`), vars: withID(eventID), want: eventManagers},
	"Event.reservations of all":  {query: `{ events { nodes { reservations { nodes { id } } } } }`, want: expectations{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "ok", "FORBIDDEN", "ok"}},
	"Event.payments of a sale":   {query: onReservation(`event { payments { nodes { id } } }`), vars: withID(reservationID), want: eventManagers},
	"SalesReport.event":          {query: `query($id: ID!) { salesReport(eventId: $id) { event { name } } }`, vars: withID(eventID), want: eventManagers},
	"SectionSales.event":         {query: `query($id: ID!) { salesReport(eventId: $id) { bySection { event { name } } } }`, vars: withID(eventID), want: eventManagers},
	"SectionSales.event of all":  {query: `{ popularSections { nodes { event { name } } } }`, want: admins},
	"Customer.user":              {query: `{ customers { nodes { user { email sessions { id } } } } }`, want: admins},
	"CustomerHistoryEntry.event": {query: `{ customers { nodes { history { nodes { event { name } } } } } }`, want: admins},
	"AccessLogEntry.user":        {query: `{ accessLog { nodes { user { id email sessions { id } } } } }`, want: admins},
	"AccessLogEntry.actor":       {query: `{ accessLog { nodes { actor { id email } } } }`, want: admins},
	"User.payments of a payload": {query: `mutation($i: RoleInput!) { grantRole(input: $i) { user { payments { nodes { id } } } } }`, vars: withInput(func(st *authStage, _ *client) vars { return vars{"userId": st.newUser().id, "role": "ORGANIZER"} }), want: admins},
}

func onReservation(selection string) string {
	return `query($id: ID!) { reservation(id: $id) { ` + selection + ` } }`
}

func onEvent(selection string) string {
	return `query($id: ID!) { event(id: $id) { ` + selection + ` } }`
}

func onPayment(selection string) string {
	return `query($id: ID!) { payment(id: $id) { ` + selection + ` } }`
}

func TestEachEdgeIsOpenToTheRightUsersOnly(t *testing.T) {
	t.Parallel()
	st := startAuthStage(t)
	requireCoverage(t, st.listEdges(), edgeCases)
	st.runCases(edgeCases)
}

// requireCoverage fails for fields without a case, and for cases without a field.
func requireCoverage(t *testing.T, there []string, asked map[string]authCase) {
	t.Helper()
	var names []string
	for question := range asked {
		name, _, _ := strings.Cut(question, " ")
		names = append(names, name)
	}
	slices.Sort(names)
	require.ElementsMatch(t, there, slices.Compact(names), "each root field and each edge needs a case that says who may use it")
}

// runCases executes each case as each of the cast, and as two users whose sessions are over.
func (st *authStage) runCases(table map[string]authCase) {
	st.t.Helper()
	over := map[string]*client{"revoked session": st.userWithRevokedSession(), "expired token": st.userWithExpiredSession()}
	for _, question := range slices.Sorted(maps.Keys(table)) {
		op := table[question]
		for i, name := range cast {
			by := st.users[name]
			if op.alone && name != "visitor" {
				by = signIn(st.t, st.url, st.emailOf(name))
			}
			st.checkCase(question, name, op.want.of(i), op, by)
		}
		for name, by := range over {
			st.checkCase(question, name, "UNAUTHENTICATED", op, by)
		}
	}
}

func (st *authStage) checkCase(question, name, want string, op authCase, by *client) {
	st.t.Helper()
	var v vars
	if op.vars != nil {
		v = op.vars(st, by)
	}
	got, body := by.outcomeOf(op.query, v)
	if got != want {
		st.t.Errorf("%s as %s: outcome %s, want %s: %s", question, name, got, want, body)
	}
	if name != "customer" && name != "admin" && strings.Contains(body, customersMail) {
		st.t.Errorf("%s shows the customer's address to %s: %s", question, name, body)
	}
	if name != "organizer" && name != "admin" && strings.Contains(body, secretPlans) {
		st.t.Errorf("%s shows a draft to %s: %s", question, name, body)
	}
}

func (st *authStage) emailOf(name string) string {
	return strings.ReplaceAll(name, " ", ".") + "@example.com"
}

// newSessionID signs a user in again and returns the new session's id.
func (st *authStage) newSessionID(name string) string {
	st.t.Helper()
	return signIn(st.t, st.url, st.emailOf(name)).sessionID()
}

// sessionID returns the id of the client's session.
func (c *client) sessionID() string {
	c.t.Helper()
	var data struct {
		Me struct {
			Sessions []struct {
				ID      string
				Current bool
			}
		}
	}
	c.mustExecute(`{ me { sessions { id current } } }`, nil, &data)
	for _, s := range data.Me.Sessions {
		if s.Current {
			return s.ID
		}
	}
	require.Fail(c.t, "the session is missing from its user's sessions")
	return ""
}

// userWithRevokedSession returns a user whose session was revoked.
func (st *authStage) userWithRevokedSession() *client {
	c := st.newUser()
	c.mustExecute(`mutation { revokeAllSessions { user { id } userErrors { code } } }`, nil, nil)
	return c
}

// userWithExpiredSession returns a user whose session has been unused for too long.
func (st *authStage) userWithExpiredSession() *client {
	c := st.newUser()
	options, err := redis.ParseURL(st.cfg.RedisURL)
	require.NoError(st.t, err)
	rdb := redis.NewClient(options)
	defer rdb.Close()
	long := time.Now().Add(-st.cfg.SessionIdle).UnixMilli()
	require.NoError(st.t, rdb.HSet(st.t.Context(), "auth:session:"+c.sessionID(), "seen", long, "idle", time.Now().Add(-time.Second).UnixMilli()).Err())
	return c
}

// outcomeOf executes an operation and returns its outcome, as expectations have it.
func (c *client) outcomeOf(query string, v vars) (code, body string) {
	c.t.Helper()
	sent, err := json.Marshal(map[string]any{"query": query, "variables": v})
	require.NoError(c.t, err)
	var answer []byte
	if strings.HasPrefix(query, "subscription") {
		answer = c.readFirstEvent(sent)
	} else {
		answer, err = c.postOperation(sent)
		require.NoError(c.t, err)
	}
	var result struct {
		Data   map[string]json.RawMessage
		Errors []graphQLError
	}
	require.NoError(c.t, json.Unmarshal(answer, &result), "%s", answer)
	if len(result.Errors) > 0 {
		return result.Errors[0].code(), string(answer)
	}
	for _, field := range result.Data {
		var p struct{ UserErrors []userError }
		if string(field) == "null" {
			return "null", string(answer)
		}
		if json.Unmarshal(field, &p) == nil && len(p.UserErrors) > 0 {
			return p.UserErrors[0].Code, string(answer)
		}
	}
	return "ok", string(answer)
}

// readFirstEvent returns the first event of a subscription.
func (c *client) readFirstEvent(body []byte) []byte {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/graphql", bytes.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok && strings.TrimSpace(data) != "" {
			return []byte(strings.TrimSpace(data))
		}
	}
	require.Fail(c.t, "the subscription has no event", "%v", lines.Err())
	return nil
}

// schemaType is a type's introspection.
type schemaType struct {
	Name, Kind string
	Interfaces []struct{ Name string }
	Fields     []struct {
		Name string
		Type typeRef
	}
}

type typeRef struct {
	Name   string
	OfType *typeRef
}

func (r typeRef) named() string {
	for r.OfType != nil {
		r = *r.OfType
	}
	return r.Name
}

func (st *authStage) introspect() map[string]schemaType {
	st.t.Helper()
	var data struct {
		Schema struct{ Types []schemaType } `json:"__schema"`
	}
	st.users["admin"].mustExecute(`{ __schema { types { name kind interfaces { name } fields {
		name type { name ofType { name ofType { name ofType { name } } } } } } } }`, nil, &data)
	types := map[string]schemaType{}
	for _, def := range data.Schema.Types {
		types[def.Name] = def
	}
	return types
}

// listRootFields returns the fields of queries, mutations and subscriptions.
func (st *authStage) listRootFields() (names []string) {
	types := st.introspect()
	for _, root := range []string{"Query", "Mutation", "Subscription"} {
		for _, field := range types[root].Fields {
			names = append(names, root+"."+field.Name)
		}
	}
	return names
}

// listEdges returns the fields of objects that lead, alone or in pages, to objects with an owner: nodes and sessions.
func (st *authStage) listEdges() (names []string) {
	types := st.introspect()
	hasOwner := func(name string) bool { return name == "Session" || len(types[name].Interfaces) > 0 }
	roots := []string{"Query", "Mutation", "Subscription"}
	for _, def := range types {
		isPart := slices.ContainsFunc([]string{"Payload", "Connection", "Edge"}, func(end string) bool { return strings.HasSuffix(def.Name, end) })
		if def.Kind != "OBJECT" || isPart || strings.HasPrefix(def.Name, "__") || slices.Contains(roots, def.Name) {
			continue
		}
		for _, field := range def.Fields {
			if hasOwner(strings.TrimSuffix(field.Type.named(), "Connection")) {
				names = append(names, def.Name+"."+field.Name)
			}
		}
	}
	return names
}
