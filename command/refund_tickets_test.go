package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// refundTickets refunds tickets of a payment as its organizer and the saga do.
func refundTickets(t *testing.T, s *commandtest.System, p command.Payment, ordinals ...int) command.Refunding {
	t.Helper()
	in := command.RefundPayment{PaymentID: p.ID}
	for _, ordinal := range ordinals {
		in.Tickets = append(in.Tickets, id.Ticket(p.ReservationID, ordinal))
	}
	refunding, err := s.RefundPayment(t.Context(), commandtest.Organizer, in)
	require.NoError(t, err)
	require.NoError(t, s.ExecuteRefund(t.Context(), commandtest.Part("saga"), p.ID, refunding.Refund.ID))
	return refunding
}

func TestARefundOfSingleTicketsFreesTheirSeatsOnly(t *testing.T) {
	t.Parallel()
	s := commandtest.New(t, commandtest.Config{})
	alice, bob := commandtest.User("usr_alice"), commandtest.User("usr_bob")
	eventID := s.OnSale(t, event.Create{MaxTicketsPerCustomer: new(4)}, commandtest.Standing("Floor", 2, 20_00),
		commandtest.Seated("Stalls", 45_50, inventory.Row{Name: "A", Seats: 2}))
	r := s.Reserve(t, alice, eventID, commandtest.Seats("Stalls", "A-1", "A-2"), commandtest.Tickets("Floor", 2)) // tickets 0 to 3
	p := s.Pay(t, alice, r.ID, "pm_card_visa")

	refunding := refundTickets(t, s, p, 1, 2)
	require.Equal(t, money.Money{Minor: 65_50, Currency: "EUR"}, refunding.Refund.Amount)
	purchase, err := s.PurchaseOfPayment(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, payment.PartiallyRefunded, purchase.Payment.Status)
	require.Equal(t, reservation.Completed, purchase.Reservation.Status)
	require.Equal(t, []reservation.Seat{r.Seats[0], r.Seats[3]}, purchase.Reservation.KeptSeats())

	s.Reserve(t, bob, eventID, commandtest.Seats("Stalls", "A-2"), commandtest.Tickets("Floor", 1))
	_, err = s.ReserveSeats(t.Context(), bob, command.ReserveSeats{EventID: eventID, Items: []inventory.ReserveItem{commandtest.Seats("Stalls", "A-1")}})
	taken, _ := rejection.As(err)
	require.NotNil(t, taken)
	require.Equal(t, rejection.SeatUnavailable, taken.Code)

	for name, tickets := range map[string][]string{
		"refunded already":         {id.Ticket(r.ID, 1)},
		"of another reservation":   {id.Ticket(id.New(id.Reservation), 0)},
		"the same one twice":       {id.Ticket(r.ID, 0), id.Ticket(r.ID, 0)},
		"one that does not exist":  {id.Ticket(r.ID, 4)},
		"one that is not a ticket": {r.ID},
	} {
		_, err := s.RefundPayment(t.Context(), commandtest.Organizer, command.RefundPayment{PaymentID: p.ID, Tickets: tickets})
		rejected, ok := rejection.As(err)
		require.True(t, ok, name)
		require.Equal(t, "tickets", rejected.Field[0], name)
	}

	refundTickets(t, s, p, 3)
	refundTickets(t, s, p, 0)
	require.Equal(t, "ReservationRefunded", last(s.History(t, reservation.Stream(r.ID))), "nothing is left of it")
	s.Reserve(t, alice, eventID, commandtest.Seats("Stalls", "A-1"), commandtest.Tickets("Floor", 1))
}

func TestTicketsWhoseRefundCameBackAreRefundedByARetry(t *testing.T) {
	t.Parallel()
	s := commandtest.New(t, commandtest.Config{})
	alice := commandtest.User("usr_alice")
	eventID := s.OnSale(t, event.Create{}, commandtest.Standing("Floor", 2, 20_00))
	p := s.Pay(t, alice, s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 2)).ID, "pm_card_visa")
	refunding := refundTickets(t, s, p, 0)
	_, err := s.Pool.Exec(t.Context(), `UPDATE sandbox_refunds SET status = 'failed', reason = 'account closed' WHERE refund_id = $1`, refunding.Refund.ID)
	require.NoError(t, err)
	hint := command.Hint{Gateway: "sandbox", PaymentID: p.ID, Reversals: true}
	require.NoError(t, s.RecordWebhook(t.Context(), commandtest.Part("webhook"), hint))
	require.Equal(t, "RefundSentBack", last(s.History(t, payment.Stream(p.ID))))
	require.Equal(t, []string{"TicketsReturned"}, s.History(t, reservation.Stream(p.ReservationID))[3:], "the seat may be sold already")

	_, err = s.RetryRefund(t.Context(), commandtest.Organizer, command.RetryRefund{PaymentID: p.ID, RefundID: refunding.Refund.ID})
	require.NoError(t, err)
	require.NoError(t, s.ExecuteRefund(t.Context(), commandtest.Part("saga"), p.ID, refunding.Refund.ID))
	require.Equal(t, "PaymentRefunded", last(s.History(t, payment.Stream(p.ID))))
	require.Equal(t, []string{"TicketsReturned"}, s.History(t, reservation.Stream(p.ReservationID))[3:], "it is returned once")
	refundTickets(t, s, p, 1)
	require.Equal(t, "ReservationRefunded", last(s.History(t, reservation.Stream(p.ReservationID))))
}

func TestACancelledEventRefundsWhatIsLeftAfterSingleTickets(t *testing.T) {
	t.Parallel()
	s := commandtest.New(t, commandtest.Config{})
	alice := commandtest.User("usr_alice")
	eventID := s.OnSale(t, event.Create{}, commandtest.Standing("Floor", 3, 20_00))
	p := s.Pay(t, alice, s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 3)).ID, "pm_card_visa")
	refundTickets(t, s, p, 1)
	_, err := s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "rain")
	require.NoError(t, err)
	require.NoError(t, s.WindUpEvent(t.Context(), commandtest.Part("saga"), eventID, command.AllVersions))
	purchase, err := s.PurchaseOfPayment(t.Context(), p.ID)
	require.NoError(t, err)
	require.NoError(t, s.ExecuteRefund(t.Context(), commandtest.Part("saga"), p.ID, purchase.Payment.Refunds[1].ID))
	purchase, err = s.PurchaseOfPayment(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, payment.Refunded, purchase.Payment.Status)
	require.Equal(t, reservation.Refunded, purchase.Reservation.Status)
}

func last[T any](values []T) T { return values[len(values)-1] }
