package shop

import (
	"time"

	"ticketing/internal/calendar"
)

// showCalendar serves the event of a paid order as a calendar file: GET /orders/{id}/calendar.ics.
func (s *Shop) showCalendar(v *visit) {
	o, ok := v.readPaidOrder()
	if !ok {
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", calendar.Type)
	h.Set("Content-Disposition", `attachment; filename="tickets.ics"`)
	h.Set("Cache-Control", "no-store")
	entry := calendar.Entry{
		ID: o.ID, Name: o.Event.Name, Venue: o.Event.Venue, StartsAt: o.Event.StartsAt, Address: v.base.JoinPath(v.lang.url(o.Path())).String(),
	}
	_, _ = v.w.Write([]byte(calendar.File(entry, time.Now()))) // fails only if the client has gone
}
