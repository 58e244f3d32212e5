package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/mail/mailtest"
	"ticketing/internal/testenv"
)

// mailsOf returns the mails about a user's purchases by Message-ID: one may arrive twice, but never another one with the same id.
func mailsOf(t testing.TB, post *mailtest.PostOffice, email string) map[string][]mailtest.Delivery {
	t.Helper()
	got := map[string][]mailtest.Delivery{}
	for _, d := range post.Got() {
		if id := mailtest.Header(t, d.Data, "Message-ID"); d.To == email && (strings.Contains(id, "rsv_") || strings.Contains(id, "rfd_")) {
			got[id] = append(got[id], d)
		}
	}
	return got
}

func TestACustomerGetsOneMailAboutEachChange(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{Busy: func(n int) bool { return n%3 == 0 }}) // every third mail has to be tried again
	env := newEnvironment(t)
	env["SMTP_URL"], env["MAIL_FROM"] = "smtp://"+post.Address, "Ticketing <tickets@example.com>"
	env["RESERVATION_HOLD"] = "1h"
	s := startSystemIn(t, env)
	organizer, alice, bob := s.admin(), s.customer("alice"), s.customer("bob")
	id := onSale(t, organizer, 10, vars{"name": "First night", "venue": "Town hall"})
	bought := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1), namedSeats("Stalls", "A-1"))).Reservation
	requireAccepted(t, alice.payByCard(bought.ID, "pm_card_visa"))
	held := requireAccepted(t, bob.reserveSeats(id, bestSeats("Floor", 1))).Reservation

	confirmed := "<reservation_confirmed." + bought.ID + "@example.com>"
	awaitMails(t, post, "alice@example.com", confirmed)
	tickets := mailtest.Parts(t, mailsOf(t, post, "alice@example.com")[confirmed][0].Data)["text/plain"]
	for _, says := range []string{"First night", "Town hall", "Floor – 20.00 EUR", "Stalls, seat A-1 – 45.50 EUR", "Total: 65.50 EUR", bought.ID, "UTC"} {
		require.Contains(t, tickets, says)
	}

	moved := requireAccepted(t, organizer.executeMutation("updateEvent", "UpdateEventInput", "event { id version }",
		vars{"eventId": id, "startsAt": "2040-02-01T20:00:00Z", "timeZone": "Europe/Berlin", "reason": "The singer is ill."})).Event
	s.clock.Move(10 * time.Minute) // more moves might follow
	postponed := fmt.Sprintf("event_moved.%%s.%d@example.com", moved.Version)
	awaitMails(t, post, "alice@example.com", confirmed, "<"+fmt.Sprintf(postponed, bought.ID)+">")
	news := mailsOf(t, post, "alice@example.com")["<"+fmt.Sprintf(postponed, bought.ID)+">"][0].Data
	require.Equal(t, "Postponed: First night", mailtest.Header(t, news, "Subject"))
	for _, says := range []string{"Wednesday, 1 February 2040, 21:00 CET", "Sunday, 1 January 2040, 20:00 UTC", "The singer is ill.", bought.ID} {
		require.Contains(t, mailtest.Parts(t, news)["text/plain"], says)
	}

	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": id, "reason": "The hall burnt down."}))
	awaitStatus(t, alice, bought.ID, "REFUNDED")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM river_job WHERE kind = 'mail' AND state = 'completed'`)
		return n == 6, fmt.Sprintf("%d of 6 mails were sent", n)
	})
	refunded := "<refunded." + queryText(t, s.cfg.EventsURL, `SELECT id FROM customer_mails WHERE mail = 'refunded'`) + "@example.com>"
	awaitMails(t, post, "alice@example.com", confirmed, "<"+fmt.Sprintf(postponed, bought.ID)+">", "<event_cancelled."+bought.ID+"@example.com>", refunded)
	awaitMails(t, post, "bob@example.com", "<"+fmt.Sprintf(postponed, held.ID)+">", "<event_cancelled."+held.ID+"@example.com>")
	over := mailsOf(t, post, "alice@example.com")["<event_cancelled."+bought.ID+"@example.com>"][0].Data
	require.Contains(t, mailtest.Parts(t, over)["text/plain"], "The hall burnt down.")
	var data struct {
		Event struct{ CancellationReason string }
	}
	alice.mustExecute(`query($id: ID!) { event(id: $id) { cancellationReason } }`, vars{"id": id}, &data)
	require.Equal(t, "The hall burnt down.", data.Event.CancellationReason)
	require.Contains(t, mailtest.Parts(t, mailsOf(t, post, "alice@example.com")[refunded][0].Data)["text/plain"], "you get 65.50 EUR back, because the event was cancelled")
	require.Equal(t, 0, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM river_job WHERE to_jsonb(river_job)::text LIKE '%@example%'`), "no job contains an address")
}

// awaitMails waits until exactly these mails have arrived for a user.
func awaitMails(t testing.TB, post *mailtest.PostOffice, email string, want ...string) {
	t.Helper()
	slices.Sort(want)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var got []string
		for id := range mailsOf(t, post, email) {
			got = append(got, id)
		}
		slices.Sort(got)
		return slices.Equal(got, want), fmt.Sprintf("%s got %q, not %q", email, got, want)
	})
}

func TestAnErasedUserGetsNoMail(t *testing.T) {
	t.Parallel()
	post := mailtest.Open(t, mailtest.Config{})
	env := newEnvironment(t)
	env["SMTP_URL"], env["MAIL_FROM"] = "smtp://"+post.Address, "tickets@example.com"
	s := startSystemIn(t, env)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	bought := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.payByCard(bought.ID, "pm_card_visa"))
	awaitMails(t, post, "alice@example.com", "<reservation_confirmed."+bought.ID+"@example.com>")
	_, wrong := alice.changeUser("eraseCustomer", "EraseCustomerInput", vars{"userId": alice.id})
	require.Empty(t, wrong)
	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": id}))
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM river_job WHERE kind = 'mail' AND state = 'completed'`)
		return n == 3, fmt.Sprintf("%d of 3 mails have ended", n)
	})
	awaitMails(t, post, "alice@example.com", "<reservation_confirmed."+bought.ID+"@example.com>")
}

// A disputed payment: the customer's tickets are in question, and the organizer has to send evidence in time.
func TestCustomerAndOrganizerLearnOfADispute(t *testing.T) {
	t.Parallel()
	post, double := mailtest.Open(t, mailtest.Config{}), stripetest.New(t)
	env := withStripe(newEnvironment(t), double)
	env["SMTP_URL"], env["MAIL_FROM"] = "smtp://"+post.Address, "Ticketing <tickets@example.com>"
	s := startSystemIn(t, env)
	double.SendTo(s.url + "/webhooks/stripe")
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	bought := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.payByCard(bought.ID, "pm_card_visa"))
	awaitStatus(t, alice, bought.ID, "COMPLETED")
	transaction := double.Payments()[0].TransactionID
	double.Dispute(t, transaction)
	requireMail := func(to, subject string, says ...string) {
		t.Helper()
		testenv.Eventually(t, testenv.Patience, func() (bool, string) {
			for _, d := range post.Got() {
				if d.To == to && strings.HasPrefix(mailtest.Header(t, d.Data, "Subject"), subject) {
					for _, words := range says {
						require.Contains(t, mailtest.Parts(t, d.Data)["text/plain"], words)
					}
					return true, ""
				}
			}
			return false, to + " has no mail " + subject
		})
	}
	requireMail("alice@example.com", "A payment is disputed: ", "Your tickets stay valid.", "/orders/"+bought.ID+"?key=")
	requireMail(adminEmail, "A payment is disputed: ", "evidence", "https://dashboard.stripe.com/payments/"+transaction)
	double.CloseDispute(t, transaction, "lost")
	requireMail("alice@example.com", "A dispute was decided: ", "Your tickets are not valid any more.")
	requireMail(adminEmail, "A dispute was decided: ", "was lost")
	require.Equal(t, 4, queryCount(t, s.cfg.EventsURL, `SELECT count(*) FROM customer_mails WHERE mail LIKE 'dispute%'`))
}
