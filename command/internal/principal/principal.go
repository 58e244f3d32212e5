// Package principal holds the identities of callers. It is internal to the write side, so that only a part of it, the saga or the
// webhooks, can act as the system.
package principal

import "slices"

// Principal is an identity with its rights. The zero value has neither.
type Principal struct {
	id     string
	role   role
	linked []string // guests who are this user
}

type role int

const (
	user role = iota
	admin
	system
)

// User returns the principal of a user without special rights.
func User(userID string) Principal { return Principal{id: userID} }

// Admin returns the principal of a user who is an admin.
func Admin(userID string) Principal { return Principal{id: userID, role: admin} }

// System returns the principal of a part of the system, with the id "system:<part>".
func System(part string) Principal { return Principal{id: "system:" + part, role: system} }

// With returns p with the guests who are this user, too.
func (p Principal) With(guests []string) Principal {
	p.linked = guests
	return p
}

// Linked returns the guests who are this user, too.
func (p Principal) Linked() []string { return p.linked }

// Is reports whether p is the user, or the user is one of the guests linked to p.
func (p Principal) Is(userID string) bool { return p.id == userID || slices.Contains(p.linked, userID) }

// ID returns the user id or "system:<part>", as a domain event's metadata keeps it.
func (p Principal) ID() string { return p.id }

// IsAdmin reports whether p is an admin.
func (p Principal) IsAdmin() bool { return p.role == admin }

// IsSystem reports whether p is a part of the system.
func (p Principal) IsSystem() bool { return p.role == system }
