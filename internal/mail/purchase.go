package mail

import (
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
)

var (
	purchaseText = texttemplate.Must(texttemplate.ParseFS(templates, "templates/purchase/*.txt"))
	purchaseHTML = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/purchase/*.html"))
)

// Purchase is what mails to customers and organizers are about. Amounts are formatted, such as "25.00 EUR".
type Purchase struct {
	ReservationID string
	Event         string
	Venue         string
	StartsAt      time.Time // in the event's time zone
	Tickets       []Ticket
	Total         string
	Link          string // to the order with its tickets; empty without a shop
}

// Ticket is one seat of a purchase.
type Ticket struct {
	Section string
	Seat    string // "A-12"; empty for general admission
	Price   string
	ID      string
	Code    string // of its QR code; empty where tickets are not signed
}

// Starts returns the time at which the event begins, by the clocks of StartsAt's location.
func (p Purchase) Starts() string {
	return formatTime(p.StartsAt)
}

func formatTime(at time.Time) string { return at.Format("Monday, 2 January 2006, 15:04 MST") }

// ReservationConfirmed returns the mail with the tickets of a purchase.
func ReservationConfirmed(to string, p Purchase) (Message, error) {
	files, err := ticketFiles(p)
	if err != nil {
		return Message{}, err
	}
	shown := p.Tickets[:min(max(len(files)-1, 0), len(p.Tickets))]
	message, err := purchaseMail(to, "Your tickets: "+p.Event, "confirmed", struct {
		Purchase

		Shown []Ticket
	}{p, shown})
	files = append(files, calendarFile(p))
	message.Files = files
	return message, err
}

// Refunded returns the mail about a refund; why is half a sentence.
func Refunded(to string, p Purchase, amount, why string) (Message, error) {
	return purchaseMail(to, "Your refund: "+p.Event, "refunded", struct {
		Purchase

		Amount, Why string
	}{p, amount, why})
}

// RefundSentBack returns the mail to an organizer about a refund whose money the customer's bank sent back.
func RefundSentBack(to string, p Purchase, amount, refundID string) (Message, error) {
	return purchaseMail(to, "A refund came back: "+p.Event, "sentback", struct {
		Purchase

		Amount, RefundID string
	}{p, amount, refundID})
}

// DelayKind is why a customer does not have the money of a refund.
type DelayKind string

// The kinds.
const (
	RefundWaits    DelayKind = "waits"    // the gateway can't make it now; it is tried again
	RefundFailed   DelayKind = "failed"   // the gateway refused it for good
	RefundReturned DelayKind = "returned" // the customer's bank sent it back
)

// Delay is a refund that the customer does not have.
type Delay struct {
	Kind             DelayKind
	Amount, RefundID string
	Why              string // as the gateway says it; may be empty
	ToOrganizer      bool   // instead of the customer
}

// RefundDelayed returns the mail to a customer or an organizer about a refund that the customer does not have.
func RefundDelayed(to string, p Purchase, d Delay) (Message, error) {
	subject := map[DelayKind]string{RefundWaits: "A refund waits: ", RefundFailed: "A refund failed: ", RefundReturned: "Your refund came back: "}[d.Kind]
	return purchaseMail(to, subject+p.Event, "delayed", struct {
		Purchase
		Delay
	}{p, d})
}

// EventCancelled returns the mail about a cancelled event; with paid it announces a refund. The reason is the organizer's, or empty.
func EventCancelled(to string, p Purchase, paid bool, reason string) (Message, error) {
	return purchaseMail(to, "Cancelled: "+p.Event, "cancelled", struct {
		Purchase

		Paid   bool
		Reason string
	}{p, paid, reason})
}

// Move is how an event moved since it was reserved.
type Move struct {
	WasStarting time.Time // by the clocks of its location; zero: it starts as before
	WasVenue    string    // empty: it takes place where it did
	Reason      string    // the organizer's; may be empty
	Paid        bool      // there is money to get back
}

// Before returns when and where the event was to be, as far as that changed.
func (m Move) Before() (lines []string) {
	if m.WasVenue != "" {
		lines = append(lines, m.WasVenue)
	}
	if !m.WasStarting.IsZero() {
		lines = append(lines, formatTime(m.WasStarting))
	}
	return lines
}

// EventMoved returns the mail about an event that takes place at another time or place.
func EventMoved(to string, p Purchase, m Move) (Message, error) {
	subject := "New place: "
	switch {
	case m.WasStarting.IsZero():
	case p.StartsAt.After(m.WasStarting):
		subject = "Postponed: "
	default:
		subject = "New date: "
	}
	return purchaseMail(to, subject+p.Event, "moved", struct {
		Purchase
		Move
	}{p, m})
}

func purchaseMail(to, subject, name string, data any) (Message, error) {
	var text, html strings.Builder
	if err := purchaseText.ExecuteTemplate(&text, name+".txt", data); err != nil {
		return Message{}, fmt.Errorf("write the text of the mail %s: %w", name, err)
	}
	if err := purchaseHTML.ExecuteTemplate(&html, name+".html", data); err != nil {
		return Message{}, fmt.Errorf("write the HTML of the mail %s: %w", name, err)
	}
	return Message{To: to, Subject: oneLine(subject), Text: text.String(), HTML: html.String()}, nil
}

// oneLine keeps an event's name from beginning another header.
func oneLine(subject string) string { return strings.Join(strings.Fields(subject), " ") }
