// Package id makes and checks the public identifiers: TypeIDs (https://github.com/jetify-com/typeid, spec 0.3.0), a type
// prefix and a UUIDv7 in base32, such as "evt_01h455vb4pex5vsknk084sn02q". They sort by the
// millisecond of their making, no finer.
package id

import (
	"crypto/sha256"
	"fmt"

	"go.jetify.com/typeid"

	"ticketing/internal/text"
)

// Prefixes of the identifiers, one a type.
const (
	Event       = "evt"
	Reservation = "rsv"
	Payment     = "pay"
	Refund      = "rfd"
	User        = "usr"
	Session     = "ses" // not made by New: see package auth
)

// longestQuote is how many bytes of a malformed identifier an error repeats.
const longestQuote = 40

// New makes an identifier of the type that prefix names. It panics only when the machine has no randomness to give.
func New(prefix string) string {
	return typeid.Must(typeid.WithPrefix(prefix)).String()
}

// Derive makes the identifier that something from outside always gets, from a name that is its own there. It panics for a prefix that is
// none.
func Derive(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	uuid := sum[:16]
	uuid[6], uuid[8] = uuid[6]&0x0f|0x80, uuid[8]&0x3f|0x80 // version 8: made in a way of one's own
	return typeid.Must(typeid.FromUUIDBytesWithPrefix(prefix, uuid)).String()
}

// Check says whether s is a well-formed identifier of the type that prefix names.
func Check(prefix, s string) error {
	tid, err := typeid.FromString(s)
	if err != nil || tid.Prefix() != prefix {
		return fmt.Errorf("%q is not an id of the form %s_…", text.Shorten(s, longestQuote), prefix)
	}
	return nil
}

// Prefix answers the type prefix of a well-formed identifier, and "" for anything else.
func Prefix(s string) string {
	tid, err := typeid.FromString(s)
	if err != nil {
		return ""
	}
	return tid.Prefix()
}
