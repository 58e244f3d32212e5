package test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/id"
	"ticketing/internal/testenv"
)

const reportQuery = `query($event: ID!, $alice: ID!) {
	salesReport(eventId: $event) {
		tickets sold returned gross { amount } refunded { amount } net { amount currencyCode }
		bySection { section tickets gross { amount } refunded { amount } net { amount } }
		byDay { tickets }
	}
	customers { nodes { id } }
	topCustomers(currencyCode: "EUR") { nodes { id spend { spent { amount } refunded { amount } net { amount } } } }
	popularSections { nodes { section tickets event { id } } }
	customer(id: $alice) { user { email reservations { nodes { status } } } reservationCount completedCount returnedCount tickets history { nodes { kind } } }
	projectionStatus { name deadLetters lagRecords }
}`

// Alice is refunded in part, Bob in full, and Carol cancels.
func TestReportsShowWhatWasSold(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice, bob, carol := s.admin(), s.customer("alice"), s.customer("bob"), s.customer("carol")
	eventID := onSale(t, organizer, 10, nil)
	aliceReservation := requireAccepted(t, alice.reserveSeats(eventID, bestSeats("Floor", 2), namedSeats("Stalls", "A-1"))).Reservation.ID
	alicePayment := requireAccepted(t, alice.payByCard(aliceReservation, "pm_card_visa")).Payment.ID
	bobReservation := requireAccepted(t, bob.reserveSeats(eventID, bestSeats("Floor", 2))).Reservation.ID
	bobPayment := requireAccepted(t, bob.payByCard(bobReservation, "pm_card_visa")).Payment.ID
	requireAccepted(t, carol.cancelReservation(requireAccepted(t, carol.reserveSeats(eventID, bestSeats("Floor", 1))).Reservation.ID))
	requireAccepted(t, organizer.refundPayment(alicePayment, "17.10"))
	requireAccepted(t, organizer.refundPayment(bobPayment, ""))
	awaitStatus(t, bob, bobReservation, "REFUNDED")
	s.awaitVerified()

	// 85.50 of 125.50 remain; Alice's partial refund is a fifth of the payment, and so of each section.
	want := `{
		"salesReport": {
			"tickets": 3, "sold": 5, "returned": 2, "gross": {"amount": "125.50"}, "refunded": {"amount": "57.10"}, "net": {"amount": "68.40", "currencyCode": "EUR"},
			"bySection": [
				{"section": "Floor", "tickets": 2, "gross": {"amount": "80.00"}, "refunded": {"amount": "48.00"}, "net": {"amount": "32.00"}},
				{"section": "Stalls", "tickets": 1, "gross": {"amount": "45.50"}, "refunded": {"amount": "9.10"}, "net": {"amount": "36.40"}}
			]
		},
		"customers": {"nodes": [{"id": "` + id.OfCustomer(carol.id) + `"}, {"id": "` + id.OfCustomer(bob.id) + `"}, {"id": "` + id.OfCustomer(alice.id) + `"}]},
		"topCustomers": {"nodes": [{"id": "` + id.OfCustomer(alice.id) + `", "spend": [{"spent": {"amount": "85.50"}, "refunded": {"amount": "17.10"}, "net": {"amount": "68.40"}}]}]},
		"popularSections": {"nodes": [
			{"section": "Floor", "tickets": 2, "event": {"id": "` + eventID + `"}}, {"section": "Stalls", "tickets": 1, "event": {"id": "` + eventID + `"}}
		]},
		"customer": {
			"user": {"email": "alice@example.com", "reservations": {"nodes": [{"status": "COMPLETED"}]}},
			"reservationCount": 1, "completedCount": 1, "returnedCount": 0, "tickets": 3,
			"history": {"nodes": [{"kind": "PAYMENT_REFUNDED"}, {"kind": "RESERVATION_COMPLETED"}, {"kind": "PAYMENT_COMPLETED"}, {"kind": "RESERVATION_INITIATED"}]}
		}
	}`
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var got map[string]any
		organizer.mustExecute(reportQuery, vars{"event": eventID, "alice": alice.id}, &got)
		for _, status := range got["projectionStatus"].([]any) {
			if status := status.(map[string]any); status["lagRecords"] != 0. || status["deadLetters"] != 0. {
				return false, status["name"].(string) + " is behind"
			}
		}
		delete(got, "projectionStatus")
		tickets := 0
		for _, day := range got["salesReport"].(map[string]any)["byDay"].([]any) { // two, around midnight
			tickets += int(day.(map[string]any)["tickets"].(float64))
		}
		require.Equal(t, 3, tickets)
		delete(got["salesReport"].(map[string]any), "byDay")
		text, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
		return true, ""
	})
	require.Equal(t, "FORBIDDEN", alice.requireError(reportQuery, vars{"event": eventID, "alice": alice.id}))
}
