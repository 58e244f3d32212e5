package auth

import (
	"context"
	"slices"
	"time"
)

// Role is what a person may be; the names are those of the API.
type Role string

// The roles. Nobody has them all by having one: an admin who wants to sell needs ORGANIZER or a rule that says so.
const (
	RoleCustomer  Role = "CUSTOMER"
	RoleOrganizer Role = "ORGANIZER"
	RoleAdmin     Role = "ADMIN"
)

// valid says whether r is one of the roles.
func (r Role) valid() bool {
	switch r {
	case RoleCustomer, RoleOrganizer, RoleAdmin:
		return true
	}
	return false
}

// Principal is who does something: a user in one of their sessions, with the roles as they are now.
type Principal struct {
	UserID    string
	SessionID string // "ses_…": names the session, can't be used as its token
	Roles     []Role // sorted
	// RenewBy is when the session ends unless RenewSession gives it a new token, because the user's roles changed; zero when nothing is due.
	RenewBy time.Time
}

// HasRole says whether the person has the role itself; roles imply no others.
func (p Principal) HasRole(r Role) bool { return slices.Contains(p.Roles, r) }

type principalKey struct{}

// WithPrincipal answers a context in which FromContext finds p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext answers who is signed in, and false when nobody is.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
