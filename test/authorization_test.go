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
)

// Everybody asks everything. Who may do what is read off the tables below; a root field or an edge between objects that is not in them fails
// the tests.

// cast is who asks.
var cast = []string{"nobody", "customer", "other customer", "organizer", "other organizer", "admin"}

// answers are what the cast is told: the code of the first error, at the top or in userErrors; "null" for a root field that is null without
// an error; "ok" for everything else. One text for all, or one each, in the order of the cast.
type answers []string

func (a answers) of(i int) string {
	if len(a) == 1 {
		return a[0]
	}
	return a[i]
}

var (
	everybody  = answers{"ok"}
	signedIn   = answers{"UNAUTHENTICATED", "ok", "ok", "ok", "ok", "ok"}
	organizers = answers{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "ok", "ok", "ok"}
	ofTheEvent = answers{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "ok", "FORBIDDEN", "ok"}
	ofTheSale  = answers{"UNAUTHENTICATED", "ok", "FORBIDDEN", "ok", "FORBIDDEN", "ok"}
	payers     = answers{"UNAUTHENTICATED", "ok", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"}
	oneself    = answers{"UNAUTHENTICATED", "ok", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"}
	admins     = answers{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"}
)

// operation is one question that all of the cast ask.
type operation struct {
	query string
	// vars answers what it is asked with, made anew for each who asks; nil: nothing.
	vars func(st *stage, by *client) vars
	want answers
	// alone has it asked in a session of its own, since it ends or changes the session.
	alone bool
}

// stage is what there is to ask for.
type stage struct {
	*system

	people map[string]*client

	event, draft                 string // the organizer's
	reservation, payment, refund string // the customer's, for the event
}

// input puts what of answers where a mutation takes it.
func input(of func(st *stage, by *client) vars) func(*stage, *client) vars {
	return func(st *stage, by *client) vars { return vars{"i": of(st, by)} }
}

// byID asks for one of the stage's objects.
func byID(of func(st *stage) string) func(*stage, *client) vars {
	return func(st *stage, _ *client) vars { return vars{"id": of(st)} }
}

func theEvent(st *stage) string       { return st.event }
func theDraft(st *stage) string       { return st.draft }
func theReservation(st *stage) string { return st.reservation }
func thePayment(st *stage) string     { return st.payment }
func theRefund(st *stage) string      { return st.refund }
func theCustomer(st *stage) string    { return st.people["customer"].id }

// newDraft makes a draft of the organizer that can be published, and takes it through actions.
func (st *stage) newDraft(actions ...string) string {
	organizer := st.people["organizer"]
	id := requireOK(st.t, organizer.createEvent(nil)).Event.ID
	requireOK(st.t, organizer.addInventory(id, "Floor", "20.00", vars{"capacity": 10}))
	for _, action := range actions {
		requireOK(st.t, organizer.eventAction(action, id))
	}
	return id
}

// after answers the input of an action on an event that has been through other actions.
func after(actions ...string) func(*stage, *client) vars {
	return input(func(st *stage, _ *client) vars { return vars{"eventId": st.newDraft(actions...)} })
}

// held answers the customer's new, unpaid reservation.
func (st *stage) held() string {
	return requireOK(st.t, st.people["customer"].reserve(st.event, item("Floor", 1))).Reservation.ID
}

// bought answers a payment of the customer.
func (st *stage) bought(token string) string {
	return st.people["customer"].pay(st.held(), token).Payment.ID
}

// newcomer answers somebody who has just come.
func (st *stage) newcomer() *client { return signIn(st.t, st.url, key()+"@example.com") }

func stageFor(t *testing.T) *stage {
	t.Helper()
	env := environment(t)
	env["AUTH_MAX_CONCURRENT_SESSIONS"] = "1000"
	st := &stage{system: startIn(t, env), people: map[string]*client{}}
	for _, name := range cast[1:] {
		st.people[name] = signIn(t, st.url, strings.ReplaceAll(name, " ", ".")+"@example.com")
	}
	st.people["nobody"] = &client{t: t, url: st.url}
	for _, name := range []string{"organizer", "other organizer"} {
		_, wrong := st.people["admin"].changeUser("grantRole", "RoleInput", vars{"userId": st.people[name].id, "role": "ORGANIZER"})
		require.Empty(t, wrong)
	}
	customer, organizer := st.people["customer"], st.people["organizer"]
	st.event = onSale(t, organizer, 10_000, vars{"maxTicketsPerReservation": 8})
	st.draft = requireOK(t, organizer.createEvent(vars{"name": secretPlans})).Event.ID
	awaitEventStatus(t, organizer, st.draft, "DRAFT")
	awaitReservations(t, customer, st.event)
	st.reservation = requireOK(t, customer.reserve(st.event, item("Floor", 2))).Reservation.ID
	paid := requireOK(t, customer.pay(st.reservation, "pm_card_visa"))
	st.payment = paid.Payment.ID
	require.NotNil(t, customer.payment(st.payment, paid.Payment.Version))
	require.NotNil(t, customer.reservation(st.reservation, paid.Reservation.Version))
	st.refund = requireOK(t, organizer.refund(st.payment, "1.00")).Refund.ID
	awaitPayment(t, customer, st.payment, func(p *paymentValue) bool { return p.Refunded.Amount == "1.00" })
	return st
}

const (
	secretPlans   = "Secret plans"
	customersMail = "customer@example.com"
)

// everything is what there is to ask: by root field, with a remark where one is asked in several ways.
var everything = map[string]operation{
	"Query.me":                  {query: `{ me { id } }`, want: answers{"null", "ok", "ok", "ok", "ok", "ok"}},
	"Query.event":               {query: `query($id: ID!) { event(id: $id) { id name } }`, vars: byID(theEvent), want: everybody},
	"Query.event of a draft":    {query: `query($id: ID!) { event(id: $id) { id name } }`, vars: byID(theDraft), want: ofTheDraft},
	"Query.events":              {query: `{ events(first: 100) { nodes { id name } } }`, want: everybody},
	"Query.events for drafts":   {query: `{ events(first: 100, filter: {status: DRAFT}) { nodes { id name } } }`, want: everybody},
	"Query.reservation":         {query: `query($id: ID!) { reservation(id: $id) { id } }`, vars: byID(theReservation), want: ofTheSale},
	"Query.payment":             {query: `query($id: ID!) { payment(id: $id) { id } }`, vars: byID(thePayment), want: ofTheSale},
	"Query.node of an event":    {query: nodeQuery, vars: byID(theEvent), want: everybody},
	"Query.node of a draft":     {query: nodeQuery, vars: byID(theDraft), want: ofTheDraft},
	"Query.node of a sale":      {query: nodeQuery, vars: byID(theReservation), want: ofTheSale},
	"Query.node of a payment":   {query: nodeQuery, vars: byID(thePayment), want: ofTheSale},
	"Query.node of a refund":    {query: nodeQuery, vars: byID(theRefund), want: ofTheSale},
	"Query.node of a user":      {query: nodeQuery, vars: byID(theCustomer), want: oneself},
	"Query.auditLog":            {query: `query($id: ID!) { auditLog(id: $id) { nodes { id } } }`, vars: byID(theReservation), want: admins},
	"Query.users":               {query: `{ users(first: 100) { nodes { id email } } }`, want: admins},
	"Query.users by an address": {query: `{ users(filter: {email: "customer@example.com"}) { nodes { id } } }`, want: admins},
	"Query.accessLog":           {query: `{ accessLog { nodes { id user { email } } } }`, want: admins},

	"Query.reservations":     {query: `{ reservations { nodes { id } } }`, want: admins},
	"Query.payments":         {query: `{ payments { nodes { id } } }`, want: admins},
	"Query.salesReport":      {query: `query($id: ID!) { salesReport(eventId: $id) { tickets } }`, vars: byID(theEvent), want: ofTheEvent},
	"Query.popularSections":  {query: `{ popularSections { nodes { section } } }`, want: admins},
	"Query.customers":        {query: `{ customers { nodes { id } } }`, want: admins},
	"Query.customer":         {query: `query($id: ID!) { customer(id: $id) { id } }`, vars: byID(theCustomer), want: admins},
	"Query.topCustomers":     {query: `{ topCustomers(currencyCode: "EUR") { nodes { id } } }`, want: admins},
	"Query.projectionStatus": {query: `{ projectionStatus { name } }`, want: admins},

	"Mutation.requestMagicLink": {
		query: `mutation($i: RequestMagicLinkInput!) { requestMagicLink(input: $i) { userErrors { code } } }`,
		vars:  input(func(*stage, *client) vars { return vars{"email": key() + "@example.com"} }), want: everybody,
	},
	"Mutation.verifyMagicLink": {
		query: `mutation($i: VerifyMagicLinkInput!) { verifyMagicLink(input: $i) { userErrors { code } } }`,
		vars:  input(func(*stage, *client) vars { return vars{"token": "nonsense"} }), want: answers{"LINK_INVALID"},
	},
	"Mutation.signOut":      {query: `mutation { signOut { userErrors { code } } }`, want: everybody, alone: true},
	"Mutation.renewSession": {query: `mutation { renewSession { userErrors { code } } }`, want: signedIn, alone: true},
	"Mutation.revokeSession": {
		query: `mutation($i: RevokeSessionInput!) { revokeSession(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"sessionId": st.newSessionOf("customer")} }),
		want:  answers{"UNAUTHENTICATED", "ok", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"},
	},
	"Mutation.revokeAllSessions": {
		query: `mutation($i: RevokeAllSessionsInput!) { revokeAllSessions(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(*stage, *client) vars { return vars{"keepCurrent": true} }), want: signedIn,
	},
	"Mutation.revokeAllSessions of somebody else": {
		query: `mutation($i: RevokeAllSessionsInput!) { revokeAllSessions(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"userId": st.newcomer().id} }), want: admins,
	},
	"Mutation.eraseCustomer": {
		query: `mutation($i: EraseCustomerInput!) { eraseCustomer(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"userId": st.newcomer().id} }), want: admins,
	},
	"Mutation.grantRole": {
		query: `mutation($i: RoleInput!) { grantRole(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"userId": st.newcomer().id, "role": "ADMIN"} }), want: admins,
	},
	"Mutation.grantRole to oneself": {
		query: `mutation($i: RoleInput!) { grantRole(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(_ *stage, by *client) vars { return vars{"userId": by.id, "role": "ADMIN"} }),
		want:  answers{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN", "ok"},
	},
	"Mutation.revokeRole": {
		query: `mutation($i: RoleInput!) { revokeRole(input: $i) { user { id } userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"userId": st.newcomer().id, "role": "ORGANIZER"} }), want: admins,
	},

	"Mutation.createEvent": {
		query: `mutation($i: CreateEventInput!) { createEvent(input: $i) { userErrors { code } } }`,
		vars: input(func(*stage, *client) vars {
			return vars{"name": "A night", "venue": "A hall", "startsAt": "2040-01-01T20:00:00Z"}
		}), want: organizers,
	},
	"Mutation.updateEvent": {
		query: `mutation($i: UpdateEventInput!) { updateEvent(input: $i) { userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"eventId": st.event, "description": key()} }), want: ofTheEvent,
	},
	"Mutation.updateEvent of a draft": {
		query: `mutation($i: UpdateEventInput!) { updateEvent(input: $i) { event { name } userErrors { code } } }`,
		vars:  input(func(st *stage, _ *client) vars { return vars{"eventId": st.draft, "description": key()} }), want: ofTheEvent,
	},
	"Mutation.addInventory": {
		query: `mutation($i: AddInventoryInput!) { addInventory(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"eventId": st.newDraft(), "section": "Box", "price": vars{"amount": "1.00", "currencyCode": "EUR"}, "capacity": 1}
		}), want: ofTheEvent,
	},
	"Mutation.publishEvent": {query: eventAction("publishEvent", "EventIDInput"), vars: after(), want: ofTheEvent},
	"Mutation.openSales":    {query: eventAction("openSales", "EventIDInput"), vars: after("publishEvent"), want: ofTheEvent},
	"Mutation.closeSales":   {query: eventAction("closeSales", "EventIDInput"), vars: after("publishEvent", "openSales"), want: ofTheEvent},
	"Mutation.cancelEvent":  {query: eventAction("cancelEvent", "CancelEventInput"), vars: after("publishEvent"), want: ofTheEvent},
	"Mutation.completeEvent before it took place": {
		query: eventAction("completeEvent", "EventIDInput"), vars: after("publishEvent"),
		want: answers{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "INVALID_STATE", "FORBIDDEN", "INVALID_STATE"},
	},

	"Mutation.reserveSeats": {
		query: `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"eventId": st.event, "items": []vars{item("Floor", 1)}, "idempotencyKey": key()}
		}), want: signedIn,
	},
	"Mutation.reserveSeats of a draft": {
		query: `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"eventId": st.draft, "items": []vars{item("Floor", 1)}, "idempotencyKey": key()}
		}), want: answers{"UNAUTHENTICATED", "NOT_FOUND", "NOT_FOUND", "SALES_NOT_OPEN", "NOT_FOUND", "SALES_NOT_OPEN"},
	},
	"Mutation.cancelReservation": {
		query: `mutation($i: CancelReservationInput!) { cancelReservation(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"reservationId": st.held(), "idempotencyKey": key()}
		}), want: oneself,
	},
	"Mutation.processPayment": {
		query: `mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"reservationId": st.held(), "idempotencyKey": key(), "method": vars{"card": vars{"token": "pm_card_visa"}}}
		}), want: payers,
	},
	"Mutation.confirmPayment": {
		query: `mutation($i: ConfirmPaymentInput!) { confirmPayment(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"paymentId": st.bought("pm_card_authenticationRequired"), "idempotencyKey": key()}
		}), want: payers,
	},
	"Mutation.refundPayment": {
		query: `mutation($i: RefundPaymentInput!) { refundPayment(input: $i) { userErrors { code } } }`,
		vars: input(func(st *stage, _ *client) vars {
			return vars{"paymentId": st.bought("pm_card_visa"), "idempotencyKey": key()}
		}), want: ofTheEvent,
	},

	"Subscription.reservationStatus": {
		query: `subscription($id: ID!) { reservationStatus(id: $id) { id } }`, vars: byID(theReservation), want: ofTheSale,
	},
	"Subscription.availability": {
		query: `subscription($id: ID!) { availability(eventId: $id) { id } }`, vars: byID(theEvent), want: everybody,
	},
	"Subscription.availability of a draft": {
		query: `subscription($id: ID!) { availability(eventId: $id) { id name } }`, vars: byID(theDraft),
		want: answers{"NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "ok", "NOT_FOUND", "ok"},
	},
}

var ofTheDraft = answers{"null", "null", "null", "ok", "null", "ok"}

const nodeQuery = `query($id: ID!) { node(id: $id) { id ... on Event { name } ... on User { email } } }`

func eventAction(name, inputType string) string {
	return fmt.Sprintf(`mutation($i: %s!) { %s(input: $i) { userErrors { code } } }`, inputType, name)
}

func TestEverybodyAsksEverything(t *testing.T) {
	t.Parallel()
	st := stageFor(t)
	requireAllAsked(t, st.rootFields(), everything)
	st.ask(everything)
}

// edges are the ways from one object to another. What somebody may not see stays hidden whichever way it is come by.
var edges = map[string]operation{
	"Reservation.event":    {query: throughSale(`event { id name }`), vars: byID(theReservation), want: ofTheSale},
	"Reservation.customer": {query: throughSale(`customer { id email roles }`), vars: byID(theReservation), want: ofTheSale},
	"Reservation.payments": {query: throughSale(`payments { id }`), vars: byID(theReservation), want: ofTheSale},
	"Payment.reservation":  {query: throughPayment(`reservation { id }`), vars: byID(thePayment), want: ofTheSale},
	"Payment.refunds":      {query: throughPayment(`refunds { id }`), vars: byID(thePayment), want: ofTheSale},
	"User.reservations":    {query: throughSale(`customer { reservations { nodes { id } } }`), vars: byID(theReservation), want: oneself},
	"User.payments":        {query: throughSale(`customer { payments { nodes { id } } }`), vars: byID(theReservation), want: oneself},
	"User.sessions":        {query: throughSale(`customer { sessions { id } }`), vars: byID(theReservation), want: oneself},
	"User.reservations of a payment": {
		query: throughPayment(`reservation { customer { reservations { edges { node { payments { reservation { id } } } } } } }`),
		vars:  byID(thePayment), want: oneself,
	},
	"User.sessions of a node":    {query: `query($id: ID!) { node(id: $id) { ... on User { sessions { id } } } }`, vars: byID(theCustomer), want: oneself},
	"User.sessions of all":       {query: `{ users { nodes { sessions { id } } } }`, want: admins},
	"User.sessions of oneself":   {query: `{ me { sessions { id } reservations { nodes { id } } payments { nodes { id } } } }`, want: answers{"null", "ok", "ok", "ok", "ok", "ok"}},
	"Event.reservations":         {query: throughEvent(`reservations { nodes { id } }`), vars: byID(theEvent), want: ofTheEvent},
	"Event.payments":             {query: throughEvent(`payments { nodes { id } }`), vars: byID(theEvent), want: ofTheEvent},
	"Event.reservations of all":  {query: `{ events { nodes { reservations { nodes { id } } } } }`, want: answers{"UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "ok", "FORBIDDEN", "ok"}},
	"Event.payments of a sale":   {query: throughSale(`event { payments { nodes { id } } }`), vars: byID(theReservation), want: ofTheEvent},
	"SalesReport.event":          {query: `query($id: ID!) { salesReport(eventId: $id) { event { name } } }`, vars: byID(theEvent), want: ofTheEvent},
	"SectionSales.event":         {query: `query($id: ID!) { salesReport(eventId: $id) { bySection { event { name } } } }`, vars: byID(theEvent), want: ofTheEvent},
	"SectionSales.event of all":  {query: `{ popularSections { nodes { event { name } } } }`, want: admins},
	"Customer.user":              {query: `{ customers { nodes { user { email sessions { id } } } } }`, want: admins},
	"CustomerHistoryEntry.event": {query: `{ customers { nodes { history { nodes { event { name } } } } } }`, want: admins},
	"AccessLogEntry.user":        {query: `{ accessLog { nodes { user { id email sessions { id } } } } }`, want: admins},
	"AccessLogEntry.actor":       {query: `{ accessLog { nodes { actor { id email } } } }`, want: admins},
	"User.payments of a payload": {query: `mutation($i: RoleInput!) { grantRole(input: $i) { user { payments { nodes { id } } } } }`, vars: input(func(st *stage, _ *client) vars { return vars{"userId": st.newcomer().id, "role": "ORGANIZER"} }), want: admins},
}

func throughSale(selection string) string {
	return `query($id: ID!) { reservation(id: $id) { ` + selection + ` } }`
}

func throughEvent(selection string) string {
	return `query($id: ID!) { event(id: $id) { ` + selection + ` } }`
}

func throughPayment(selection string) string {
	return `query($id: ID!) { payment(id: $id) { ` + selection + ` } }`
}

func TestNoEdgeGivesAnythingAway(t *testing.T) {
	t.Parallel()
	st := stageFor(t)
	requireAllAsked(t, st.edges(), edges)
	st.ask(edges)
}

// requireAllAsked fails for what nobody asks, and for questions about what is not there.
func requireAllAsked(t *testing.T, there []string, asked map[string]operation) {
	t.Helper()
	var names []string
	for question := range asked {
		name, _, _ := strings.Cut(question, " ")
		names = append(names, name)
	}
	slices.Sort(names)
	require.ElementsMatch(t, there, slices.Compact(names), "every operation and every edge has its row: say there who may")
}

// ask has everybody ask, and two whose sessions are over.
func (st *stage) ask(table map[string]operation) {
	st.t.Helper()
	over := map[string]*client{"revoked session": st.revoked(), "expired token": st.expired()}
	for _, question := range slices.Sorted(maps.Keys(table)) {
		op := table[question]
		for i, name := range cast {
			by := st.people[name]
			if op.alone && name != "nobody" {
				by = signIn(st.t, st.url, st.mailOf(name))
			}
			st.check(question, name, op.want.of(i), op, by)
		}
		for name, by := range over {
			st.check(question, name, "UNAUTHENTICATED", op, by)
		}
	}
}

func (st *stage) check(question, name, want string, op operation, by *client) {
	st.t.Helper()
	var v vars
	if op.vars != nil {
		v = op.vars(st, by)
	}
	got, body := by.told(op.query, v)
	if got != want {
		st.t.Errorf("%s, asked by %s, answers %s and not %s: %s", question, name, got, want, body)
	}
	if name != "customer" && name != "admin" && strings.Contains(body, customersMail) {
		st.t.Errorf("%s tells %s the customer's address: %s", question, name, body)
	}
	if name != "organizer" && name != "admin" && strings.Contains(body, secretPlans) {
		st.t.Errorf("%s tells %s of a draft: %s", question, name, body)
	}
}

func (st *stage) mailOf(name string) string {
	return strings.ReplaceAll(name, " ", ".") + "@example.com"
}

// newSessionOf answers the name of a new session of somebody.
func (st *stage) newSessionOf(name string) string {
	st.t.Helper()
	return signIn(st.t, st.url, st.mailOf(name)).session()
}

// session answers the name of the client's session.
func (c *client) session() string {
	c.t.Helper()
	var data struct {
		Me struct {
			Sessions []struct {
				ID      string
				Current bool
			}
		}
	}
	c.do(`{ me { sessions { id current } } }`, nil, &data)
	for _, s := range data.Me.Sessions {
		if s.Current {
			return s.ID
		}
	}
	require.Fail(c.t, "the session is not among those of its user")
	return ""
}

// revoked answers somebody whose session was revoked from elsewhere.
func (st *stage) revoked() *client {
	c := st.newcomer()
	c.do(`mutation { revokeAllSessions { user { id } userErrors { code } } }`, nil, nil)
	return c
}

// expired answers somebody whose session has been unused for too long.
func (st *stage) expired() *client {
	c := st.newcomer()
	options, err := redis.ParseURL(st.cfg.RedisURL)
	require.NoError(st.t, err)
	rdb := redis.NewClient(options)
	defer rdb.Close()
	long := time.Now().Add(-st.cfg.SessionIdle).UnixMilli()
	require.NoError(st.t, rdb.HSet(st.t.Context(), "auth:session:"+c.session(), "seen", long, "idle", time.Now().Add(-time.Second).UnixMilli()).Err())
	return c
}

// told asks, and answers what it is told: see answers.
func (c *client) told(query string, v vars) (code, body string) {
	c.t.Helper()
	sent, err := json.Marshal(map[string]any{"query": query, "variables": v})
	require.NoError(c.t, err)
	var answer []byte
	if strings.HasPrefix(query, "subscription") {
		answer = c.firstEvent(sent)
	} else {
		answer, err = c.post(sent)
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

// firstEvent answers the first that a subscription tells.
func (c *client) firstEvent(body []byte) []byte {
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
	require.Fail(c.t, "the subscription tells nothing", "%v", lines.Err())
	return nil
}

// schemaType is what introspection tells of a type.
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

func (st *stage) schema() map[string]schemaType {
	st.t.Helper()
	var data struct {
		Schema struct{ Types []schemaType } `json:"__schema"`
	}
	st.people["admin"].do(`{ __schema { types { name kind interfaces { name } fields {
		name type { name ofType { name ofType { name ofType { name } } } } } } } }`, nil, &data)
	types := map[string]schemaType{}
	for _, def := range data.Schema.Types {
		types[def.Name] = def
	}
	return types
}

// rootFields answers all that can be asked.
func (st *stage) rootFields() (names []string) {
	types := st.schema()
	for _, root := range []string{"Query", "Mutation", "Subscription"} {
		for _, field := range types[root].Fields {
			names = append(names, root+"."+field.Name)
		}
	}
	return names
}

// edges answers the fields of objects that lead, alone or in pages, to what is somebody's: the nodes and the sessions.
func (st *stage) edges() (names []string) {
	types := st.schema()
	somebodys := func(name string) bool { return name == "Session" || len(types[name].Interfaces) > 0 }
	answersOf := []string{"Query", "Mutation", "Subscription"}
	for _, def := range types {
		isPart := slices.ContainsFunc([]string{"Payload", "Connection", "Edge"}, func(end string) bool { return strings.HasSuffix(def.Name, end) })
		if def.Kind != "OBJECT" || isPart || strings.HasPrefix(def.Name, "__") || slices.Contains(answersOf, def.Name) {
			continue
		}
		for _, field := range def.Fields {
			if somebodys(strings.TrimSuffix(field.Type.named(), "Connection")) {
				names = append(names, def.Name+"."+field.Name)
			}
		}
	}
	return names
}
