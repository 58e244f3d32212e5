package saga

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

func TestAMailSaysWhatIsTrueWhenItIsSent(t *testing.T) {
	purchase := func(status reservation.Status, eventStatus event.Status, refund payment.Refund) command.Purchase {
		completedAt := start
		return command.Purchase{
			Reservation: command.Reservation{ID: "rsv", State: reservation.State{
				Status: status, Total: money.Money{Minor: 2500, Currency: "EUR"}, CompletedAt: &completedAt,
				Seats: []reservation.Seat{{Section: "Stalls", Label: "A-1", Price: money.Money{Minor: 2500, Currency: "EUR"}}},
			}},
			Event:   event.State{Name: "First night", Venue: "Town hall", StartsAt: start, Status: eventStatus},
			Payment: &command.Payment{State: payment.State{Refunds: []payment.Refund{refund}}},
		}
	}
	refund := func(status payment.RefundStatus, cause payment.RefundCause, reason string) payment.Refund {
		return payment.Refund{ID: "rfd", Amount: money.Money{Minor: 1000, Currency: "EUR"}, Status: status, Cause: cause, Reason: reason}
	}
	for name, test := range map[string]struct {
		job      mailJob
		purchase command.Purchase
		says     string // empty: nothing is sent
	}{
		"tickets":                                {mailJob{Mail: ConfirmedMail, ID: "rsv"}, purchase(reservation.Completed, event.SalesOpen, payment.Refund{}), "Stalls, seat A-1 – 25.00 EUR"},
		"tickets that were given back meanwhile": {mailJob{Mail: ConfirmedMail, ID: "rsv"}, purchase(reservation.Refunded, event.SalesOpen, payment.Refund{}), ""},
		"tickets of a cancelled event":           {mailJob{Mail: ConfirmedMail, ID: "rsv"}, purchase(reservation.Completed, event.Cancelled, payment.Refund{}), ""},
		"a cancelled event":                      {mailJob{Mail: EventCancelledMail, ID: "rsv"}, purchase(reservation.Completed, event.Cancelled, payment.Refund{}), "your payment is refunded automatically"},
		"an event that is not cancelled":         {mailJob{Mail: EventCancelledMail, ID: "rsv"}, purchase(reservation.Completed, event.SalesOpen, payment.Refund{}), ""},
		"a late payment": {
			mailJob{Mail: RefundedMail, ID: "rfd"}, purchase(reservation.Expired, event.SalesOpen, refund(payment.RefundCompleted, payment.CauseTooLate, "")),
			"10.00 EUR back, because the seats were no longer available.",
		},
		"a refund by the organizer": {
			mailJob{Mail: RefundedMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundCompleted, payment.CauseRequested, "sorry for the rain")),
			"10.00 EUR back, because the organizer gave it back (“sorry for the rain”).",
		},
		"a refund by the organizer in words of the platform": {
			mailJob{Mail: RefundedMail, ID: "rfd"},
			purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundCompleted, payment.CauseRequested, "the event was cancelled")),
			"because the organizer gave it back (“the event was cancelled”).",
		},
		"a refund by the organizer without a word": {
			mailJob{Mail: RefundedMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundCompleted, payment.CauseRequested, "")),
			"because the organizer gave it back.",
		},
		"a refund that came back": {
			mailJob{Mail: RefundSentBackMail, ID: "rfd"}, purchase(reservation.Refunded, event.SalesOpen, refund(payment.RefundRefused, payment.CauseRequested, "")),
			"the customer's bank sent the money of a refund back: 10.00 EUR.",
		},
		"a refund that came back and is tried again": {
			mailJob{Mail: RefundSentBackMail, ID: "rfd"}, purchase(reservation.Refunded, event.SalesOpen, refund(payment.RefundPending, payment.CauseRequested, "")), "",
		},
		"a refund that was not given": {mailJob{Mail: RefundedMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundRefused, payment.CauseRequested, "")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Config{}.composeMail(test.job, test.purchase, "ann@example.com")
			require.NoError(t, err)
			if test.says == "" {
				require.Empty(t, m.To)
				return
			}
			require.Equal(t, "ann@example.com", m.To)
			require.Contains(t, m.Text, test.says)
		})
	}
}

func TestAMoveIsAnnouncedToThoseWhoReservedBefore(t *testing.T) {
	was := event.Place{Venue: "Town hall", StartsAt: start, TimeZone: "Europe/Berlin"}
	for name, test := range map[string]struct {
		change func(*command.Purchase)
		says   []string // none: nothing is sent
	}{
		"to another day":          {func(p *command.Purchase) { p.Event.StartsAt = start.AddDate(0, 0, 7) }, []string{"Before it was:", "the singer is ill", "gives your money back"}},
		"to another place":        {func(p *command.Purchase) { p.Event.Venue = "Arena" }, []string{"Arena", "Before it was:\n  Town hall", "gives your money back"}},
		"and back":                {func(*command.Purchase) {}, nil},
		"and is cancelled":        {func(p *command.Purchase) { p.Event.Venue, p.Event.Status = "Arena", event.Cancelled }, nil},
		"of a reservation later":  {func(p *command.Purchase) { p.Event.Venue, p.Reservation.CreatedAt = "Arena", start.Add(2*time.Hour) }, nil},
		"of what was given back":  {func(p *command.Purchase) { p.Event.Venue, p.Reservation.Status = "Arena", reservation.Refunded }, nil},
		"of what is not paid yet": {func(p *command.Purchase) { p.Event.Venue, p.Reservation.Status = "Arena", reservation.SeatsReserved }, []string{"what is not paid costs nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			purchase := command.Purchase{
				Reservation: command.Reservation{ID: "rsv", State: reservation.State{Status: reservation.Completed, CreatedAt: start, Total: money.Money{Minor: 1, Currency: "EUR"}}},
				Event:       event.State{Name: "First night", Venue: "Town hall", StartsAt: start, TimeZone: "Europe/Berlin", Status: event.SalesOpen},
			}
			test.change(&purchase)
			m, err := Config{}.composeMail(mailJob{Mail: EventMovedMail, ID: "rsv", Version: 2, Move: &move{Was: was, Reason: "the singer is ill", At: start.Add(time.Hour)}}, purchase, "ann@example.com")
			require.NoError(t, err)
			require.Equal(t, len(test.says) > 0, m.To != "")
			for _, says := range test.says {
				require.Contains(t, m.Text, says)
			}
		})
	}
}

func TestThereIsNoOtherMail(t *testing.T) {
	c := config(nil, newDouble())
	require.Error(t, c.sendMail(t.Context(), command.Caller{}, mailJob{Mail: "promoted", ID: "rsv"}))
}
