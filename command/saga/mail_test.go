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
			Event: event.State{Name: "First night", Venue: "Town hall", StartsAt: start, Status: eventStatus},
			Payment: &command.Payment{State: payment.State{
				Amount: money.Money{Minor: 2500, Currency: "EUR"}, CompletedAt: &completedAt, Refunds: []payment.Refund{refund},
			}},
		}
	}
	refund := func(status payment.RefundStatus, cause payment.RefundCause, reason string) payment.Refund {
		r := payment.Refund{ID: "rfd", Amount: money.Money{Minor: 1000, Currency: "EUR"}, Status: status, Cause: cause, Reason: reason}
		if status == payment.RefundRefused {
			r.Failure = "the card is closed"
		}
		return r
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
		"a refund that came back, to the customer": {
			mailJob{Mail: RefundReturnedMail, ID: "rfd"}, purchase(reservation.Refunded, event.SalesOpen, refund(payment.RefundRefused, payment.CauseRequested, "")),
			"your refund of 10.00 EUR came back: your bank did not accept the money.",
		},
		"a refund that was refused": {
			mailJob{Mail: RefundFailedMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundRefused, payment.CauseRequested, "")),
			"your refund of 10.00 EUR could not be made: the payment service refused it (“the card is closed”).",
		},
		"a refund that was refused, to the organizer": {
			mailJob{Mail: RefundFailedNotice, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundRefused, payment.CauseRequested, "")),
			"a customer's refund of 10.00 EUR could not be made",
		},
		"a refund that was refused and is tried again": {
			mailJob{Mail: RefundFailedMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundPending, payment.CauseRequested, "")), "",
		},
		"a refund that waits": {
			mailJob{Mail: RefundWaitsMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundPending, payment.CauseRequested, "")),
			"your refund of 10.00 EUR could not be made yet",
		},
		"a refund that waits, to the organizer": {
			mailJob{Mail: RefundWaitsNotice, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundPending, payment.CauseRequested, "")),
			"If your balance at the payment gateway is too low, add to it.",
		},
		"a refund that waited": {
			mailJob{Mail: RefundWaitsMail, ID: "rfd"}, purchase(reservation.Completed, event.SalesOpen, refund(payment.RefundCompleted, payment.CauseRequested, "")), "",
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
	last := event.Place{Venue: "Stadium", StartsAt: start, TimeZone: "Europe/Berlin"}
	for name, test := range map[string]struct {
		change func(*command.Purchase)
		says   []string // none: nothing is sent
	}{
		"to another day":   {func(p *command.Purchase) { p.Event.StartsAt = start.AddDate(0, 0, 7) }, []string{"Before it was:", "the singer is ill", "gives your money back"}},
		"to another place": {func(p *command.Purchase) { p.Event.Venue = "Arena" }, []string{"Arena", "Before it was:\n  Town hall", "gives your money back"}},
		"and back":         {func(*command.Purchase) {}, nil},
		"between two moves": {func(p *command.Purchase) {
			p.Event.Venue, p.Reservation.CreatedAt = "Arena", start.Add(50*time.Minute)
		}, []string{"Before it was:\n  Stadium"}},
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
			m, err := Config{}.composeMail(mailJob{Mail: EventMovedMail, ID: "rsv", Version: 2, Move: &move{Was: was, First: start.Add(40 * time.Minute), Last: &last, Reason: "the singer is ill", At: start.Add(time.Hour)}}, purchase, "ann@example.com")
			require.NoError(t, err)
			require.Equal(t, len(test.says) > 0, m.To != "")
			for _, says := range test.says {
				require.Contains(t, m.Text, says)
			}
		})
	}
}

func TestDisputesAreAnnouncedAsTheyAreWhenTheMailIsSent(t *testing.T) {
	paidAt, amount := start, money.Money{Minor: 7000, Currency: "EUR"}
	c := Config{
		OrderLink: func(string, time.Time) string { return "https://shop.example.com/orders/rsv?key=secret" },
		DisputePage: func(gateway, transactionID string) string {
			return "https://" + gateway + ".example.com/" + transactionID
		},
	}
	for name, test := range map[string]struct {
		mail   Mail
		status payment.DisputeStatus
		lost   int64
		says   []string // none: nothing is sent
	}{
		"opened": {DisputeOpenedMail, payment.DisputeOpen, 7000, []string{"you dispute your payment, and holds 70.00 EUR", "Your tickets stay valid.", "key=secret"}},
		"opened, to the organizer": {
			DisputeOpenedNotice, payment.DisputeOpen, 7000, []string{"(“fraudulent”), which holds 70.00 EUR", "evidence", "https://stripe.example.com/pi_1"},
		},
		"opened, and decided before the mail": {DisputeOpenedMail, payment.DisputeWon, 7000, nil},
		"won":                                 {DisputeClosedMail, payment.DisputeWon, 7000, []string{"the organizer keeps 70.00 EUR", "Your tickets stay valid."}},
		"won, to the organizer":               {DisputeClosedNotice, payment.DisputeWon, 7000, []string{"has given 70.00 EUR back to you"}},
		"lost":                                {DisputeClosedMail, payment.DisputeLost, 7000, []string{"you have 70.00 EUR back", "Your tickets are not valid any more."}},
		"lost in part":                        {DisputeClosedMail, payment.DisputeLost, 2000, []string{"you have 20.00 EUR back", "Your tickets stay valid."}},
		"lost, to the organizer":              {DisputeClosedNotice, payment.DisputeLost, 7000, []string{"has given 70.00 EUR to the customer", "The tickets are not valid any more."}},
	} {
		t.Run(name, func(t *testing.T) {
			dispute := payment.Dispute{ID: "dp_1", Amount: money.Money{Minor: test.lost, Currency: "EUR"}, Status: test.status, Reason: "fraudulent"}
			m, err := c.composeMail(mailJob{Mail: test.mail, ID: "dp_1", PaymentID: "pay"}, command.Purchase{
				Reservation: command.Reservation{ID: "rsv", State: reservation.State{Status: reservation.Completed, Total: amount}},
				Event:       event.State{Name: "First night", StartsAt: start, Status: event.SalesOpen},
				Payment: &command.Payment{State: payment.State{
					Gateway: "stripe", TransactionID: "pi_1", Amount: amount, CompletedAt: &paidAt, Disputes: []payment.Dispute{dispute},
				}},
			}, "ann@example.com")
			require.NoError(t, err)
			require.Equal(t, len(test.says) > 0, m.To != "")
			for _, says := range test.says {
				require.Contains(t, m.Text, says)
			}
			if test.mail.goesToOrganizer() {
				require.NotContains(t, m.Text, "key=secret", "the link opens the customer's order for each bearer of it")
			}
		})
	}
}

func TestThereIsNoOtherMail(t *testing.T) {
	c := config(nil, newDouble())
	require.Error(t, c.sendMail(t.Context(), command.Caller{}, mailJob{Mail: "promoted", ID: "rsv"}))
}

func TestAPaymentWhoseMoneyWasGivenInAnotherWayHasNoRefundThatFailed(t *testing.T) {
	paidAt, amount := start, money.Money{Minor: 1000, Currency: "EUR"}
	m, err := Config{}.composeMail(mailJob{Mail: RefundFailedMail, ID: "rfd"}, command.Purchase{Payment: &command.Payment{State: payment.State{
		Amount: amount, CompletedAt: &paidAt,
		Refunds: []payment.Refund{{ID: "rfd", Amount: amount, Status: payment.RefundRefused}, {ID: "rfd_2", Amount: amount, Status: payment.RefundCompleted}},
	}}}, "ann@example.com")
	require.NoError(t, err)
	require.Empty(t, m.To)
}
