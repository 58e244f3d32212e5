// Package principal holds the identities of callers. It is internal to the write side, so that only a part of it, the saga or the
// webhooks, can act as the system.
package principal

// Principal is an identity with its rights. The zero value has neither.
type Principal struct {
	id   string
	role role
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

// ID returns the user id or "system:<part>", as a domain event's metadata keeps it.
func (p Principal) ID() string { return p.id }

// IsAdmin reports whether p is an admin.
func (p Principal) IsAdmin() bool { return p.role == admin }

// IsSystem reports whether p is a part of the system.
func (p Principal) IsSystem() bool { return p.role == system }
