// Package calendar writes files that calendars can read (RFC 5545).
package calendar

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Type is the media type of a file.
const Type = "text/calendar; charset=utf-8"

// longestLine is how many bytes a line of a file may have (RFC 5545).
const longestLine = 75

// textEscapes escape text of a file.
var textEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r", "", "\n", `\n`)

// Entry is an event as a calendar shows it. It has no end, since ours have none.
type Entry struct {
	ID       string // a file with the same id takes the place of an earlier one
	Name     string
	Venue    string
	StartsAt time.Time
	Address  string // of a page about it; may be empty
}

// File returns a calendar with an entry, as of now.
func File(e Entry, now time.Time) string {
	const format = "20060102T150405Z"
	lines := []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Ticketing//Shop//EN", "BEGIN:VEVENT", "UID:" + e.ID, "DTSTAMP:" + now.UTC().Format(format),
		"DTSTART:" + e.StartsAt.UTC().Format(format), "SUMMARY:" + textEscapes.Replace(e.Name), "LOCATION:" + textEscapes.Replace(e.Venue),
	}
	if e.Address != "" {
		lines = append(lines, "URL:"+e.Address)
	}
	var text strings.Builder
	for _, line := range append(lines, "END:VEVENT", "END:VCALENDAR") {
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
