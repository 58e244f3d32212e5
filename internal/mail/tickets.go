package mail

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ticketing/internal/calendar"
	"ticketing/internal/qrcode"
	"ticketing/internal/ticketpdf"
)

// mostShownCodes bounds the QR codes that a mail shows: phones load them at once, and the PDF has all.
const mostShownCodes = 8

// ticketFiles returns the tickets of a purchase as a PDF for paper, and the QR codes of the first as pictures that the HTML shows. Without
// codes there are none.
func ticketFiles(p Purchase) ([]File, error) {
	sheet := ticketpdf.Sheet{
		Title: "Tickets: " + p.Event, Event: p.Event, Details: []string{p.Starts(), p.Venue}, Footer: "Reservation " + p.ReservationID,
	}
	var files []File
	for i, t := range p.Tickets {
		if t.Code == "" {
			continue
		}
		sheet.Tickets = append(sheet.Tickets, ticketpdf.Ticket{
			Place: []string{t.Place(), t.Price}, ID: t.ID, Code: t.Code, Caption: fmt.Sprintf("Ticket %d of %d", i+1, len(p.Tickets)),
		})
		if len(files) < mostShownCodes {
			code, err := qrcode.Encode(t.Code)
			if err != nil {
				return nil, err
			}
			name := "ticket-" + strconv.Itoa(i+1)
			files = append(files, File{ID: t.Shown(), Name: name + ".png", Type: "image/png", Content: code.PNG()})
		}
	}
	if files == nil {
		return nil, nil
	}
	pdf, err := ticketpdf.Render(sheet)
	return append(files, File{Name: "tickets.pdf", Type: "application/pdf", Content: pdf}), err
}

// calendarFile returns the event for a calendar. The order's address is there without the key that opens it: calendars are shared.
func calendarFile(p Purchase) File {
	address, _, _ := strings.Cut(p.Link, "?")
	entry := calendar.Entry{ID: p.ReservationID, Name: p.Event, Venue: p.Venue, StartsAt: p.StartsAt, Address: address}
	return File{Name: "tickets.ics", Type: calendar.Type, Content: []byte(calendar.File(entry, time.Now()))}
}

// Place returns "Stalls, seat A-12", for example.
func (t Ticket) Place() string {
	if t.Seat == "" {
		return t.Section
	}
	return t.Section + ", seat " + t.Seat
}

// Shown returns the content ID of the picture of the ticket's code.
func (t Ticket) Shown() string { return strings.ToLower(t.ID) + "@tickets" }
