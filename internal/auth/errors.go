package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// What callers tell apart. Everything else that goes wrong is a fault of the program.
var (
	// ErrLinkInvalid says that a magic link is unknown, used or out of date; which of them is nobody's business.
	ErrLinkInvalid = errors.New("magic link is unknown, used or out of date")
	// ErrUnauthenticated says that a token belongs to no living session.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrUnavailable says that Redis or the auth database couldn't be asked: nothing is known about the person, try again.
	ErrUnavailable = errors.New("sign-in is unavailable")
	// ErrEmailInvalid says that a text is not a mail address that mails can be sent to.
	ErrEmailInvalid = errors.New("not a valid mail address")
	// ErrUserNotFound says that there is no such user, or that it was erased.
	ErrUserNotFound = errors.New("user not found")
	// ErrSessionNotFound says that the user has no such session (any more).
	ErrSessionNotFound = errors.New("session not found")
	// ErrRoleInvalid says that a text is not the name of a role.
	ErrRoleInvalid = errors.New("not a role")
)

// unavailable wraps what went wrong while asking Redis or the database, as ErrUnavailable where trying again may help.
func unavailable(attempt string, err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && !passing(refused.Code) {
		return fmt.Errorf("%s: %w", attempt, err)
	}
	return fmt.Errorf("%s: %w: %w", attempt, ErrUnavailable, err)
}

// passing says whether a PostgreSQL error is of a class that goes away by itself: connection, resources, operator's intervention,
// a conflict between transactions.
func passing(code string) bool {
	for _, class := range []string{"08", "40", "53", "55", "57"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}
