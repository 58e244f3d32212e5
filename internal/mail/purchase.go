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

// Purchase is what customers are written about. Amounts are ready to read, such as "25.00 EUR".
type Purchase struct {
	ReservationID string
	Event         string
	Venue         string
	StartsAt      time.Time
	Tickets       []Ticket
	Total         string
}

// Ticket is one seat of a purchase.
type Ticket struct {
	Section string
	Seat    string // "A-12"; empty for general admission
	Price   string
}

// Starts says when the event begins, in the one time zone that is known.
func (p Purchase) Starts() string {
	return p.StartsAt.UTC().Format("Monday, 2 January 2006, 15:04 UTC")
}

// ReservationConfirmed answers the mail that a purchase's tickets come with.
func ReservationConfirmed(to string, p Purchase) (Message, error) {
	return purchaseMail(to, "Your tickets: "+p.Event, "confirmed", struct{ Purchase }{p})
}

// Refunded answers the mail that says that amount was given back, and why, in half a sentence.
func Refunded(to string, p Purchase, amount, why string) (Message, error) {
	return purchaseMail(to, "Your refund: "+p.Event, "refunded", struct {
		Purchase

		Amount, Why string
	}{p, amount, why})
}

// EventCancelled answers the mail that says that an event does not take place; paid, that its reader's money comes back.
func EventCancelled(to string, p Purchase, paid bool) (Message, error) {
	return purchaseMail(to, "Cancelled: "+p.Event, "cancelled", struct {
		Purchase

		Paid bool
	}{p, paid})
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

// oneLine keeps what an organizer called an event from beginning another header.
func oneLine(subject string) string { return strings.Join(strings.Fields(subject), " ") }
