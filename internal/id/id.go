// Package id makes and checks the public identifiers: TypeIDs (https://github.com/jetify-com/typeid, spec 0.3.0), a type
// prefix and a UUIDv7 in base32, such as "evt_01h455vb4pex5vsknk084sn02q". They sort by the
// millisecond of their making, no finer.
package id

import (
	"fmt"

	"go.jetify.com/typeid"
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

// New makes an identifier of the type that prefix names. It panics only when the machine has no randomness to give.
func New(prefix string) string {
	return typeid.Must(typeid.WithPrefix(prefix)).String()
}

// Check says whether s is a well-formed identifier of the type that prefix names.
func Check(prefix, s string) error {
	tid, err := typeid.FromString(s)
	if err != nil || tid.Prefix() != prefix {
		return fmt.Errorf("%q is not an id of the form %s_…", truncate(s), prefix)
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

// truncate keeps error messages short whatever a client sends.
func truncate(s string) string {
	const longest = 40
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "…"
}
