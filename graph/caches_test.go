package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

// addOfEachType puts an object of each type that implements Node on the read side, two elements in each list, and a few entries in the log: all of
// one user, who is an admin and an organizer. It returns what graph/clients/caches/common.mjs is given.
func (a *api) addOfEachType() (userID string, given vars) {
	a.t.Helper()
	userID, other := newUser(), newUser()
	header := a.as(userID, auth.RoleAdmin, auth.RoleOrganizer)
	a.signIn(other)
	for _, role := range []auth.Role{auth.RoleOrganizer, auth.RoleAdmin} {
		granted := a.do(`mutation($i: RoleInput!) { grantRole(input: $i) { userErrors { message } } }`, vars{"i": vars{"userId": other, "role": role}}, header...)
		require.Empty(a.t, granted.Errors, granted.body)
	}

	event, second := a.addEvent(userID, "SALES_OPEN"), a.addEvent(userID, "SALES_OPEN")
	for _, e := range []string{event.ID, second.ID} {
		a.exec(`INSERT INTO inventories VALUES ($1, 1)`, e)
		a.exec(`INSERT INTO sections SELECT $1, 'Floor', 0, 15000, 'EUR', true, 3, 3, 0, 0`, e)
		a.exec(`INSERT INTO seats SELECT $1, 'Floor', 'A-' || j, j, 'AVAILABLE' FROM generate_series(1, 3) j`, e)
		a.exec(`INSERT INTO section_sales SELECT $1, 'Floor', 'EUR', 1, 0, 15000, 0`, e)
		a.exec(`INSERT INTO sales (event_id, section, day, currency, sold, returned, gross, refunded) VALUES ($1, 'Floor', '2026-11-01', 'EUR', 1, 0, 15000, 0)`, e)
	}
	first, more := a.addReservation(event, userID), a.addReservation(event, userID)
	payment := a.addPayment(first)
	a.addPayment(more)
	a.setReservation(first, 2, "COMPLETED")
	ticket, dispute := id.Ticket(first.ID, 0), id.DisputeOf("sandbox", "1")
	a.exec(`UPDATE reservations SET tickets = jsonb_build_array($2::text), completed_at = now() WHERE id = $1`, first.ID, ticket)
	a.exec(`UPDATE payments SET disputes = jsonb_build_array(jsonb_build_object('id', $2::text, 'status', 'OPEN', 'createdAt', now(),
		'amount', jsonb_build_object('minor', 700, 'currency', 'EUR'))) WHERE id = $1`, payment.ID, dispute)
	for _, customer := range []string{userID, other} {
		a.exec(`INSERT INTO customers VALUES ($1, 2, 1, 0, 1, now(), now())`, customer)
		a.exec(`INSERT INTO customer_spend VALUES ($1, 'EUR', 15000, 0)`, customer)
		a.exec(`INSERT INTO customer_history SELECT $1, j, now(), 'PAYMENT_COMPLETED', $2, $3, $4, 0, 15000, 'EUR' FROM generate_series(1, 2) j`,
			customer, event.ID, first.ID, payment.ID)
	}
	return userID, vars{
		"ids": vars{
			"Customer": id.OfCustomer(userID), "Dispute": dispute, "Event": event.ID, "Payment": payment.ID, "Refund": payment.Refunds[0].ID,
			"Reservation": first.ID, "Section": id.OfSection(event.ID, 0), "Ticket": ticket, "User": userID,
		},
		"arguments": vars{
			"Event.section.name": "Floor", "Query.auditLog.id": a.openSales(header), "Query.salesReport.eventId": event.ID, "Query.topCustomers.currencyCode": "EUR",
		},
	}
}

// A new type that implements Node, or a new list, fails this test until addOfEachType has some.
func TestCachesOfClientsKeepEachObjectOnce(t *testing.T) {
	t.Parallel()
	needClients(t)
	a := newAPI(t)
	userID, given := a.addOfEachType()
	header := a.as(userID)
	for _, library := range []string{"relay", "apollo", "urql"} {
		onSale := given["arguments"].(vars)["Query.auditLog.id"].(string)
		r := query.Reservation{ID: a.reserve(onSale, header), EventID: given["ids"].(vars)["Event"].(string), CustomerID: userID}
		a.setReservation(r, 1, "SEATS_RESERVED") // as a projector does
		given["url"], given["token"], given["reservation"] = a.url, a.signIn(userID), r.ID
		argument := encode(t, given)
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, runNode(t, "caches/"+library+".mjs", argument), "operations")
		})
	}
}
