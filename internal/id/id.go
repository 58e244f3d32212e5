// Package id makes and checks the public identifiers: TypeIDs (https://github.com/jetify-com/typeid, spec 0.3.0), which have a type prefix
// and a UUIDv7 in base32, such as "evt_01h455vb4pex5vsknk084sn02q". They sort by the millisecond in which they were made.
package id

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"go.jetify.com/typeid"

	"ticketing/internal/text"
)

// The prefixes, one for each type.
const (
	Event       = "evt"
	Reservation = "rsv"
	Payment     = "pay"
	Refund      = "rfd"
	Dispute     = "dsp" // not made by New: see DisputeOf
	User        = "usr"
	Text        = "txt" // what was written about a user, kept outside of the log
	Session     = "ses" // not made by New: see package auth
	Section     = "sec" // not made by New: see OfSection
	Customer    = "cus" // not made by New: see OfCustomer

	TicketPrefix = "tkt" // not made by New: see Ticket
)

// longestQuote is how many bytes of a malformed identifier an error repeats.
const longestQuote = 40

// New returns a new identifier with a prefix.
func New(prefix string) string {
	return typeid.Must(typeid.WithPrefix(prefix)).String()
}

// Derive returns an identifier for something outside, which is always the same for its name there. It panics for a malformed prefix.
func Derive(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	uuid := sum[:16]
	uuid[6], uuid[8] = uuid[6]&0x0f|0x80, uuid[8]&0x3f|0x80 // version 8: custom
	return typeid.Must(typeid.FromUUIDBytesWithPrefix(prefix, uuid)).String()
}

// Ticket returns the identifier of a ticket, which is stored nowhere: the reservation and the place among its seats, counted from 0, say which
// one it is.
func Ticket(reservationID string, ordinal int) string {
	return Derive(TicketPrefix, reservationID+"/"+strconv.Itoa(ordinal))
}

// DisputeOf returns our identifier of a gateway's dispute.
func DisputeOf(gateway, disputeID string) string { return Derive(Dispute, gateway+"/"+disputeID) }

// MostSections is how many sections of an event have identifiers.
const MostSections = 256

// OfSection returns the identifier of a section: that of its event, with the section's place there in eight bits that are the same in
// all identifiers of events (the version and the variant of the UUID, and two bits of its time that are 0 for another two thousand years).
// It returns "" for what is no event's identifier.
func OfSection(eventID string, ordinal int) string {
	tid, err := typeid.FromString(eventID)
	if err != nil || tid.Prefix() != Event || ordinal < 0 || ordinal >= MostSections {
		return ""
	}
	uuid, place := tid.UUIDBytes(), byte(ordinal)
	uuid[6] = uuid[6]&0x0f | place&0xf0
	uuid[8] = uuid[8]&0x3f | place<<4&0xc0
	uuid[0] = uuid[0]&0x3f | place<<6
	return typeid.Must(typeid.FromUUIDBytesWithPrefix(Section, uuid)).String()
}

// ParseSection returns the event and the place there of a section.
func ParseSection(sectionID string) (eventID string, ordinal int, err error) {
	if err := Check(Section, sectionID); err != nil {
		return "", 0, err
	}
	uuid := typeid.Must(typeid.FromString(sectionID)).UUIDBytes()
	place := uuid[6]&0xf0 | uuid[8]>>4&0x0c | uuid[0]>>6
	uuid[6], uuid[8], uuid[0] = uuid[6]&0x0f|0x70, uuid[8]&0x3f|0x80, uuid[0]&0x3f
	return typeid.Must(typeid.FromUUIDBytesWithPrefix(Event, uuid)).String(), int(place), nil
}

// OfCustomer returns the identifier of what a user is as a customer: that of the user, with a prefix of its own.
func OfCustomer(userID string) string { return Customer + strings.TrimPrefix(userID, User) }

// ParseCustomer returns the user of a customer, whose own identifier it takes as well.
func ParseCustomer(s string) (userID string, err error) {
	userID = s
	if suffix, found := strings.CutPrefix(s, Customer+"_"); found {
		userID = User + "_" + suffix
	}
	return userID, Check(User, userID)
}

// Check returns an error unless s is a well-formed identifier with this prefix.
func Check(prefix, s string) error {
	tid, err := typeid.FromString(s)
	if err != nil || tid.Prefix() != prefix {
		return fmt.Errorf("%q is not an id of the form %s_…", text.Shorten(s, longestQuote), prefix)
	}
	return nil
}

// Prefix returns the prefix of a well-formed identifier, and "" for anything else.
func Prefix(s string) string {
	tid, err := typeid.FromString(s)
	if err != nil {
		return ""
	}
	return tid.Prefix()
}
