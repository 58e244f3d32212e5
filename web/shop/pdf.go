package shop

import (
	"net/http"
	"strconv"

	"ticketing/internal/ticketpdf"
)

// showPDF serves the tickets of a paid order for paper: GET /orders/{id}/tickets.pdf.
func (s *Shop) showPDF(v *visit) {
	o, ok := v.readPaidOrder()
	if !ok {
		return
	}
	file, err := ticketpdf.Render(v.sheetOf(o))
	if err != nil {
		v.failWith(err)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `attachment; filename="tickets.pdf"`)
	h.Set("Content-Length", strconv.Itoa(len(file)))
	h.Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(file) //nolint:gosec // a PDF, of a type of its own; fails only if the client has gone
}

// sheetOf returns the order's tickets in the words of the visit's language.
func (v *visit) sheetOf(o order) ticketpdf.Sheet {
	sheet := ticketpdf.Sheet{
		Title: o.Event.Name, Event: o.Event.Name, Details: []string{v.lang.formatMoment(o.Event.StartsAt, o.Event.TimeZone), o.Event.Venue},
		Footer: v.lang.text("order.number") + " " + o.ID,
	}
	for i, t := range o.Tickets {
		place := []string{t.Section}
		if t.Label != "" {
			place = append(place, v.lang.text("seat", t.Label))
		}
		sheet.Tickets = append(sheet.Tickets, ticketpdf.Ticket{
			Place: place, Holder: t.HolderName, ID: t.ID, Code: t.Code, Caption: v.lang.text("order.ticket", i+1, len(o.Tickets)),
		})
	}
	return sheet
}
