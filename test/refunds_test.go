package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// ticketValue is a ticket as the API shows it.
type ticketValue struct {
	ID, Section       string
	Label, HolderName *string
	Price             moneyValue
	Status            string
}

// awaitPayment waits until the payment is as wanted.
func awaitPayment(t testing.TB, c *client, paymentID string, is func(p *paymentValue) bool) *paymentValue {
	t.Helper()
	var data struct{ Payment *paymentValue }
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		errs := c.execute(`query($id: ID!) { payment(id: $id) { `+paymentFields+` } }`, vars{"id": paymentID}, &data)
		return data.Payment != nil && is(data.Payment), fmt.Sprintf("payment is %+v, %v", data.Payment, errs)
	})
	return data.Payment
}

func hasStatus(status string) func(p *paymentValue) bool {
	return func(p *paymentValue) bool { return p.Status == status }
}

func TestRefundsThatWaitAreListedForAdmins(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice := s.admin(), s.customer("alice")
	id := onSale(t, admin, 10, nil)
	pay := func(token string) string {
		return requireAccepted(t, alice.payByCard(requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation.ID, token)).Payment.ID
	}
	pay("pm_card_visa")
	refused, given := pay("pm_card_refundFail"), pay("pm_card_visa")
	requireAccepted(t, admin.refundPayment(refused, ""))
	requireAccepted(t, admin.refundPayment(given, ""))
	awaitPayment(t, alice, given, hasStatus("REFUNDED"))
	awaitPayment(t, alice, refused, func(p *paymentValue) bool { return len(p.Refunds) == 1 && p.Refunds[0].Status == "FAILED" })
	var data struct {
		WaitingRefunds struct{ Nodes []paymentValue }
	}
	admin.mustExecute(`{ waitingRefunds { nodes { `+paymentFields+` } } }`, nil, &data)
	require.Len(t, data.WaitingRefunds.Nodes, 1)
	require.Equal(t, refused, data.WaitingRefunds.Nodes[0].ID)
}

func TestRefundsByTicketFreeTheirSeats(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice := s.admin(), s.customer("alice")
	id := onSale(t, admin, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2), namedSeats("Stalls", "A-1"))).Reservation // 85.50
	ticketsOf := func() (tickets []ticketValue) {
		var data struct {
			Reservation struct{ Tickets []ticketValue }
		}
		alice.executeWhenRead(`query($id: ID!) { reservation(id: $id) { tickets { id section label price { amount } holderName status } } }`, vars{"id": r.ID}, &data)
		return data.Reservation.Tickets
	}
	require.Empty(t, ticketsOf(), "nothing is paid yet")
	paymentID := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa")).Payment.ID
	awaitStatus(t, alice, r.ID, "COMPLETED")
	tickets := ticketsOf()
	require.Len(t, tickets, 3)
	stalls := slices.IndexFunc(tickets, func(v ticketValue) bool { return v.Section == "Stalls" })
	require.Equal(t, ticketValue{ID: tickets[stalls].ID, Section: "Stalls", Label: new("A-1"), Price: moneyValue{Amount: "45.50"}, Status: "VALID"}, tickets[stalls])

	refund := func(input vars) payload {
		input["paymentId"], input["idempotencyKey"] = paymentID, newKey()
		return admin.executeMutation("refundPayment", "RefundPaymentInput", "refund { "+refundFields+" } payment { "+paymentFields+" }", input)
	}
	rename := func(by *client, ticketID, name string) (renamed struct {
		Ticket     *ticketValue
		UserErrors []struct{ Code string }
	}) {
		var data struct{ RenameTicket *json.RawMessage }
		by.mustExecute(`mutation($i: RenameTicketInput!) { renameTicket(input: $i) { ticket { id holderName } userErrors { code } } }`,
			vars{"i": vars{"ticketId": ticketID, "holderName": name}}, &data)
		require.NoError(t, json.Unmarshal(*data.RenameTicket, &renamed))
		return renamed
	}
	require.Equal(t, &ticketValue{ID: tickets[stalls].ID, HolderName: new("Zoë")}, rename(alice, tickets[stalls].ID, "  Zoë ").Ticket)
	require.Equal(t, "INVALID", rename(alice, tickets[stalls].ID, "4242 4242 4242 4242").UserErrors[0].Code)
	require.Equal(t, new("Zoë"), ticketsOf()[stalls].HolderName)
	requireRejected(t, refund(vars{"tickets": []string{}}), "INVALID", "tickets")
	requireRejected(t, refund(vars{"tickets": []string{tickets[stalls].ID}, "amount": vars{"amount": "1.00", "currencyCode": "EUR"}}), "INVALID", "tickets")
	requireRejected(t, refund(vars{"tickets": []string{r.ID}}), "INVALID", "tickets", "0")
	part := requireAccepted(t, refund(vars{"tickets": []string{tickets[stalls].ID}}))
	require.Equal(t, "45.50", part.Refund.Amount.Amount)
	requireRejected(t, refund(vars{"tickets": []string{tickets[0].ID, tickets[stalls].ID}}), "INVALID_STATE", "tickets", "1")

	awaitPayment(t, alice, paymentID, hasStatus("PARTIALLY_REFUNDED"))
	awaitSections(t, alice, id, map[string][3]int{"Floor": {8, 0, 2}, "Stalls": {20, 0, 0}})
	requireAccepted(t, s.customer("bob").reserveSeats(id, namedSeats("Stalls", "A-1")))
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var data struct{ Ticket ticketValue }
		alice.mustExecute(`query($id: ID!) { ticket(id: $id) { id status } }`, vars{"id": tickets[stalls].ID}, &data)
		return data.Ticket.Status == "VOID", data.Ticket.Status
	})
	require.Equal(t, "INVALID_STATE", rename(alice, tickets[stalls].ID, "Max").UserErrors[0].Code)
	require.Equal(t, "COMPLETED", alice.readReservation(r.ID, 0).Status)
	require.Equal(t, "VALID", ticketsOf()[0].Status)
}

func TestRefundsInPartAndThenInFullFreeTheSeats(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice := s.admin(), s.customer("alice")
	id := onSale(t, admin, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2), namedSeats("Stalls", "A-1"))).Reservation // 85.50
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
	paymentID := paid.Payment.ID

	k := newKey()
	part := requireAccepted(t, admin.refundPaymentWithKey(k, paymentID, "30.00"))
	require.Equal(t, moneyValue{"30.00", "EUR"}, part.Refund.Amount)
	require.Equal(t, "rain", *part.Refund.Reason)
	require.Equal(t, part.Refund.ID, requireAccepted(t, admin.refundPaymentWithKey(k, paymentID, "30.00")).Refund.ID, "a retry is the same refund")
	requireRejected(t, admin.refundPaymentWithKey(k, paymentID, "31.00"), "IDEMPOTENCY_KEY_REUSED")

	// A pending refund counts like a completed one.
	requireRejected(t, admin.refundPayment(paymentID, "55.51"), "INVALID", "amount", "amount")
	requireRejected(t, admin.refundPayment(paymentID, "0.00"), "INVALID", "amount", "amount")
	p := awaitPayment(t, alice, paymentID, hasStatus("PARTIALLY_REFUNDED"))
	require.Equal(t, "30.00", p.Refunded.Amount)
	require.Equal(t, "COMPLETED", alice.readReservation(r.ID, 0).Status, "a part frees no seats")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {8, 0, 2}, "Stalls": {19, 0, 1}})

	rest := requireAccepted(t, admin.refundPayment(paymentID, ""))
	require.Equal(t, moneyValue{"55.50", "EUR"}, rest.Refund.Amount)
	p = awaitPayment(t, alice, paymentID, hasStatus("REFUNDED"))
	require.Equal(t, "85.50", p.Refunded.Amount)
	require.Len(t, p.Refunds, 2)
	awaitStatus(t, alice, r.ID, "REFUNDED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {10, 0, 0}, "Stalls": {20, 0, 0}})
	requireAccepted(t, s.customer("bob").reserveSeats(id, namedSeats("Stalls", "A-1")))
	requireRejected(t, admin.refundPayment(paymentID, ""), "INVALID_STATE")
	requireRejected(t, admin.refundPayment(paymentID, "0.01"), "INVALID", "amount", "amount")

	var data struct {
		Node struct{ ID, Status string }
	}
	node := `query($id: ID!) { node(id: $id) { id ... on Refund { status } } }`
	alice.mustExecute(node, vars{"id": part.Refund.ID}, &data)
	require.Equal(t, part.Refund.ID, data.Node.ID)
	require.Equal(t, "COMPLETED", data.Node.Status)
	require.Equal(t, "FORBIDDEN", s.customer("bob").requireError(node, vars{"id": part.Refund.ID}))
}

func TestOnlyTheOrganizerAndAdminsRefund(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	admin, alice := s.admin(), s.customer("alice")
	organizer, other := s.organizer("olga"), s.organizer("otto")
	id := onSale(t, organizer, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))

	const refund = `mutation($i: RefundPaymentInput!) { refundPayment(input: $i) { refund { id } } }`
	input := func(paymentID string) vars {
		return vars{"i": vars{"paymentId": paymentID, "idempotencyKey": newKey()}}
	}
	for _, c := range []*client{alice, other} {
		require.Equal(t, "FORBIDDEN", c.requireError(refund, input(paid.Payment.ID)))
	}
	require.Equal(t, "UNAUTHENTICATED", (&client{t: t, url: s.url}).requireError(refund, input(paid.Payment.ID)))
	requireRejected(t, admin.refundPayment("pay_01h455vb4pex5vsknk084sn02q", ""), "NOT_FOUND", "paymentId")
	requireAccepted(t, organizer.refundPayment(paid.Payment.ID, "5.00"))
	requireAccepted(t, admin.refundPayment(paid.Payment.ID, "5.00"))
	awaitPayment(t, alice, paid.Payment.ID, func(p *paymentValue) bool { return p.Refunded.Amount == "10.00" })

	declined := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	failed := alice.payByCard(declined.ID, "pm_card_chargeDeclined")
	requireRejected(t, organizer.refundPayment(failed.Payment.ID, ""), "INVALID_STATE")
}
