package auth

import (
	"context"
	"slices"
	"time"

	"ticketing/internal/telemetry"
)

// Role is a right of users; the names are those of the API.
type Role string

// The roles. None implies another: an admin who wants to sell needs ORGANIZER, or a rule that allows it.
const (
	RoleCustomer  Role = "CUSTOMER"
	RoleOrganizer Role = "ORGANIZER"
	RoleAdmin     Role = "ADMIN"
)

// isValid reports whether r is one of the roles.
func (r Role) isValid() bool {
	switch r {
	case RoleCustomer, RoleOrganizer, RoleAdmin:
		return true
	}
	return false
}

// Principal is a signed-in user in one of their sessions, with their current roles.
type Principal struct {
	UserID    string
	SessionID string // "ses_…": names the session, can't be used as its token
	Roles     []Role // sorted
	Guest     bool   // has proven no address
	// Linked are guests who gave the user's address as their contact: what they bought is the user's.
	Linked []string
	// RenewBy is when the session ends unless it is renewed, because the user's roles changed; zero if no renewal is due.
	RenewBy time.Time
}

// Is reports whether p is the user, or the user is one of the guests linked to p.
func (p Principal) Is(userID string) bool {
	return p.UserID == userID || slices.Contains(p.Linked, userID)
}

// HasRole reports whether the user has the role itself; roles imply no others.
func (p Principal) HasRole(r Role) bool { return slices.Contains(p.Roles, r) }

type principalKey struct{}

// WithPrincipal returns a context in which FromContext finds p. Its spans and lines of the log name the user.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(telemetry.WithUserID(ctx, p.UserID), principalKey{}, p)
}

// FromContext returns the principal of a context, and false if there is none.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
