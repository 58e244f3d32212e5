package saga

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/mail"
)

// Mail is a kind of mail to customers and organizers. The values are used in the tables.
type Mail string

// The mails. Each is requested once per reservation or refund, and sent at least once: if a replica dies after the mail server accepted it
// and before that is recorded, it is sent again, with the same Message-ID.
const (
	ConfirmedMail      Mail = "reservation_confirmed"
	RefundedMail       Mail = "refunded"
	EventCancelledMail Mail = "event_cancelled"
	RefundSentBackMail Mail = "refund_sent_back" // to the organizer, once for each attempt of the refund
	RefundReturnedMail Mail = "refund_returned"  // to the customer, about the same
	RefundFailedMail   Mail = "refund_failed"
	RefundFailedNotice Mail = "refund_failed_notice" // to the organizer
	RefundWaitsMail    Mail = "refund_waits"
	RefundWaitsNotice  Mail = "refund_waits_notice" // to the organizer
	EventMovedMail     Mail = "event_moved"         // once per reservation and window of moves

	DisputeOpenedMail   Mail = "dispute_opened"
	DisputeOpenedNotice Mail = "dispute_opened_notice" // to the organizer
	DisputeClosedMail   Mail = "dispute_closed"
	DisputeClosedNotice Mail = "dispute_closed_notice" // to the organizer
)

// goesToOrganizer reports whether a mail goes to the event's organizer instead of the customer.
func (m Mail) goesToOrganizer() bool {
	return slices.Contains([]Mail{RefundSentBackMail, RefundFailedNotice, RefundWaitsNotice, DisputeOpenedNotice, DisputeClosedNotice}, m)
}

// linkMonths is for how long after the event a mail's link opens the order: for complaints, and for souvenirs.
const linkMonths = 1

// sendMail composes a mail from what the log says now and sends it to the recipient's present address. A mail that is no longer true is not
// sent, nor one to a user who was erased.
func (c Config) sendMail(ctx context.Context, _ command.Caller, a mailJob) error {
	load := func() (command.Purchase, error) { return c.Service.Purchase(ctx, a.ID) }
	if a.PaymentID != "" {
		load = func() (command.Purchase, error) { return c.Service.PurchaseOfPayment(ctx, a.PaymentID) }
	}
	purchase, err := load()
	if err != nil {
		return err
	}
	if err := c.resolveReasons(ctx, &purchase); err != nil {
		return err
	}
	recipient := purchase.Reservation.CustomerID
	if a.Mail.goesToOrganizer() {
		recipient = purchase.Event.OrganizerID
	}
	address, err := c.Address(ctx, recipient)
	if err != nil || address == "" {
		return err
	}
	message, err := c.composeMail(a, purchase, address)
	if err != nil || message.To == "" {
		return err
	}
	message.ID = string(a.Mail) + "." + strings.ReplaceAll(a.key(), "/", ".")
	return c.Mailer.Send(ctx, message)
}

// resolveReasons puts the reasons of refunds in the places of their ids; "" for those that were erased.
func (c Config) resolveReasons(ctx context.Context, purchase *command.Purchase) error {
	if purchase.Payment == nil {
		return nil
	}
	refunds := slices.Clone(purchase.Payment.Refunds)
	for i, r := range refunds {
		if id.Prefix(r.Reason) != id.Text {
			continue
		}
		refunds[i].Reason = ""
		if c.Texts == nil {
			continue
		}
		texts, err := c.Texts(ctx, []string{r.Reason})
		if err != nil {
			return err
		}
		refunds[i].Reason = texts[r.Reason]
	}
	purchase.Payment.Refunds = refunds
	return nil
}

// composeMail returns the mail, without a recipient if there is no reason for it any more.
func (c Config) composeMail(a mailJob, purchase command.Purchase, address string) (mail.Message, error) {
	p := purchaseOf(purchase)
	if c.OrderLink != nil && !a.Mail.goesToOrganizer() { // it opens the order for any bearer
		p.Link = c.OrderLink(purchase.Reservation.ID, purchase.Event.StartsAt.AddDate(0, linkMonths, 0))
	}
	switch a.Mail {
	case ConfirmedMail:
		if purchase.Reservation.Status == reservation.Completed && purchase.Event.Status != event.Cancelled {
			if err := c.signTickets(p.Tickets, purchase.Reservation.EventID); err != nil {
				return mail.Message{}, err
			}
			return mail.ReservationConfirmed(address, p)
		}
		return mail.Message{}, nil
	case EventCancelledMail:
		if purchase.Event.Status == event.Cancelled {
			return mail.EventCancelled(address, p, purchase.Reservation.CompletedAt != nil && purchase.Reservation.Total.Minor > 0, purchase.Event.CancellationReason)
		}
		return mail.Message{}, nil
	case EventMovedMail:
		return composeMove(a.Move, purchase, p, address)
	case RefundedMail:
		if r, ok := purchase.Payment.Refund(a.ID); ok && r.Status == payment.RefundCompleted {
			return mail.Refunded(address, p, r.Amount.String(), explainRefund(r))
		}
		return mail.Message{}, nil
	case RefundSentBackMail, RefundReturnedMail:
		refundID, attempt := gateway.ParseRefundKey(a.ID)
		r, ok := purchase.Payment.Refund(refundID)
		switch {
		case !ok || r.Status != payment.RefundRefused || r.Attempt != attempt:
			return mail.Message{}, nil
		case a.Mail == RefundReturnedMail:
			return mail.RefundDelayed(address, p, mail.Delay{Kind: mail.RefundReturned, Amount: r.Amount.String(), RefundID: refundID})
		}
		return mail.RefundSentBack(address, p, r.Amount.String(), refundID)
	case RefundFailedMail, RefundFailedNotice, RefundWaitsMail, RefundWaitsNotice:
		return composeDelay(a, purchase, p, address)
	case DisputeOpenedMail, DisputeOpenedNotice, DisputeClosedMail, DisputeClosedNotice:
		return c.composeDispute(a, purchase, p, address)
	}
	return mail.Message{}, fmt.Errorf("there is no mail %q", a.Mail)
}

// composeDelay returns the mail about a refund that was refused or waits; without a recipient if that is over, or the money was given in another way.
func composeDelay(a mailJob, purchase command.Purchase, p mail.Purchase, address string) (mail.Message, error) {
	r, ok := purchase.Payment.Refund(a.ID)
	delay := mail.Delay{Amount: r.Amount.String(), RefundID: r.ID, Why: r.Failure, ToOrganizer: a.Mail.goesToOrganizer()}
	waits := a.Mail == RefundWaitsMail || a.Mail == RefundWaitsNotice
	switch {
	case !ok:
		return mail.Message{}, nil
	case waits && r.Status == payment.RefundPending:
		delay.Kind = mail.RefundWaits
	case !waits && r.Status == payment.RefundRefused && !r.SentBack && purchase.Payment.RefundableMinor() >= r.Amount.Minor:
		delay.Kind = mail.RefundFailed
	default:
		return mail.Message{}, nil
	}
	return mail.RefundDelayed(address, p, delay)
}

// composeDispute returns the mail about a dispute; without a recipient if one that was opened is closed meanwhile.
func (c Config) composeDispute(a mailJob, purchase command.Purchase, p mail.Purchase, address string) (mail.Message, error) {
	d, ok := purchase.Payment.Dispute(a.ID)
	opened := a.Mail == DisputeOpenedMail || a.Mail == DisputeOpenedNotice
	if !ok || opened != (d.Status == payment.DisputeOpen) {
		return mail.Message{}, nil
	}
	about := mail.Dispute{
		Status: map[payment.DisputeStatus]mail.DisputeStatus{
			payment.DisputeOpen: mail.DisputeOpen, payment.DisputeWon: mail.DisputeWon, payment.DisputeLost: mail.DisputeLost,
		}[d.Status],
		Amount: d.Amount.String(), Reason: d.Reason, ToOrganizer: a.Mail.goesToOrganizer(),
		TicketsValid: purchase.Reservation.Status == reservation.Completed && !purchase.Payment.GivenBack() && purchase.Event.Status != event.Cancelled,
	}
	if about.ToOrganizer && c.DisputePage != nil {
		about.Page = c.DisputePage(purchase.Payment.Gateway, purchase.Payment.TransactionID)
	}
	return mail.Disputed(address, p, about)
}

// composeMove returns the mail about a move; without a recipient if the event is where the customer last knew it, or they have no seats any more.
func composeMove(m *move, purchase command.Purchase, p mail.Purchase, address string) (mail.Message, error) {
	r, now := purchase.Reservation, purchase.Event.Place()
	has := r.Holding() || r.Status == reservation.Completed
	if m == nil || !has || r.CreatedAt.After(m.At) || purchase.Event.Status == event.Cancelled {
		return mail.Message{}, nil
	}
	notice, was := mail.Move{Reason: m.Reason, Paid: r.Status == reservation.Completed && r.Total.Minor > 0}, m.before(r.CreatedAt)
	if !now.StartsAt.Equal(was.StartsAt) {
		notice.WasStarting = was.Local()
	}
	if now.Venue != was.Venue {
		notice.WasVenue = was.Venue
	}
	if notice.WasStarting.IsZero() && notice.WasVenue == "" {
		return mail.Message{}, nil
	}
	return mail.EventMoved(address, p, notice)
}

// explainRefund returns half a sentence that says why money is given back. An organizer's own words are quoted.
func explainRefund(r payment.Refund) string {
	if explanation := r.Cause.Explanation(); explanation != "" {
		return explanation
	}
	reason := strings.TrimSpace(r.Reason)
	if reason == "" {
		return "the organizer gave it back"
	}
	return fmt.Sprintf("the organizer gave it back (“%s”)", reason)
}

func purchaseOf(purchase command.Purchase) mail.Purchase {
	p := mail.Purchase{
		ReservationID: purchase.Reservation.ID, Event: purchase.Event.Name, Venue: purchase.Event.Venue, StartsAt: purchase.Event.Place().Local(),
		Total: purchase.Reservation.Total.String(),
	}
	for ordinal, seat := range purchase.Reservation.Seats {
		if !purchase.Reservation.HasReturned(ordinal) {
			ticket := mail.Ticket{Section: seat.Section, Seat: seat.Label, Price: seat.Price.String(), ID: id.Ticket(purchase.Reservation.ID, ordinal)}
			p.Tickets = append(p.Tickets, ticket)
		}
	}
	return p
}

// signTickets gives tickets their codes, where they are signed.
func (c Config) signTickets(tickets []mail.Ticket, eventID string) (err error) {
	for i := range tickets {
		if c.SignTicket == nil {
			return nil
		}
		if tickets[i].Code, err = c.SignTicket(tickets[i].ID, eventID); err != nil {
			return fmt.Errorf("sign the ticket %s: %w", tickets[i].ID, err)
		}
	}
	return nil
}
