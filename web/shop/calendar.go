package shop

import (
	"strings"
	"time"
	"unicode/utf8"
)

// longestLine is how many bytes a line of a calendar file may have (RFC 5545).
const longestLine = 75

// escapeCalendar escapes text of a calendar file.
var escapeCalendar = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r", "", "\n", `\n`)

// showCalendar serves the event of a paid order as a calendar file: GET /orders/{id}/calendar.ics.
func (s *Shop) showCalendar(v *visit) {
	o, ok := v.readPaidOrder()
	if !ok {
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="tickets.ics"`)
	h.Set("Cache-Control", "no-store")
	_, _ = v.w.Write([]byte(calendarOf(o, v.base.JoinPath(v.lang.url(o.Path())).String(), time.Now()))) // fails only if the client has gone
}

// calendarOf returns a calendar with the order's event. It has no end, since the event has none.
func calendarOf(o order, address string, now time.Time) string {
	const format = "20060102T150405Z"
	var text strings.Builder
	for _, line := range []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Ticketing//Shop//EN", "BEGIN:VEVENT", "UID:" + o.ID, "DTSTAMP:" + now.UTC().Format(format),
		"DTSTART:" + o.Event.StartsAt.UTC().Format(format), "SUMMARY:" + escapeCalendar.Replace(o.Event.Name),
		"LOCATION:" + escapeCalendar.Replace(o.Event.Venue), "URL:" + address, "END:VEVENT", "END:VCALENDAR",
	} {
		text.WriteString(foldLine(line) + "\r\n")
	}
	return text.String()
}

// foldLine breaks a long line, between characters.
func foldLine(line string) string {
	var folded strings.Builder
	width := 0
	for _, c := range line {
		size := utf8.RuneLen(c)
		if width+size > longestLine {
			folded.WriteString("\r\n ")
			width = 1
		}
		folded.WriteRune(c)
		width += size
	}
	return folded.String()
}
