package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// The errors that callers distinguish. Any other is a bug.
var (
	// ErrLinkInvalid says that a magic link is unknown, used or out of date. Which of these is not revealed.
	ErrLinkInvalid = errors.New("magic link is unknown, used or out of date")
	// ErrUnauthenticated says that a token belongs to no session that is still valid.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrUnavailable says that Redis or the auth database couldn't be asked: nothing is known about the user; try again.
	ErrUnavailable = errors.New("sign-in is unavailable")
	// ErrEmailInvalid says that a text is not a mail address that mails can be sent to.
	ErrEmailInvalid = errors.New("not a valid mail address")
	// ErrUserNotFound says that there is no such user, or that it was erased.
	ErrUserNotFound = errors.New("user not found")
	// ErrNotGuest says that the user is not a guest: they have proven an address.
	ErrNotGuest = errors.New("not a guest")
	// ErrSessionNotFound says that the user has no such session (any more).
	ErrSessionNotFound = errors.New("session not found")
	// ErrRoleInvalid says that a text is not the name of a role.
	ErrRoleInvalid = errors.New("not a role")
)

// unavailable wraps an error of Redis or the database, with ErrUnavailable if trying again may help.
func unavailable(attempt string, err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && !isTransient(refused.Code) {
		return fmt.Errorf("%s: %w", attempt, err)
	}
	return fmt.Errorf("%s: %w: %w", attempt, ErrUnavailable, err)
}

// isTransient reports whether a PostgreSQL error is of a class that passes: connection, resources, operator intervention, a conflict
// between transactions.
func isTransient(code string) bool {
	for _, class := range []string{"08", "40", "53", "55", "57"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}
