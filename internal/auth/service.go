// Package auth knows who is signed in and which roles they have: magic links by mail, opaque sessions in Redis, users and roles in
// the auth database. What a role may do is decided elsewhere.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"ticketing/internal/mail"
)

// Config is what an operator decides.
type Config struct {
	BaseURL          string        // AUTH_BASE_URL: what magic links start with
	MagicLinkTTL     time.Duration // how long a magic link lives
	SessionTTL       time.Duration // how long a session lives after it was last used
	MaxSessions      int           // sessions a user; the oldest ends when there would be more
	AdminEmails      []string      // who becomes an admin when they sign in
	ExposeMagicLinks bool          // RequestMagicLink answers the token: for tests, never in production
}

// Dependencies is what a Service works with; all of it stays its caller's to close.
type Dependencies struct {
	Pool   *pgxpool.Pool
	Redis  *redis.Client
	Mailer mail.Mailer
	Clock  func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()
}

// Service is safe for concurrent use. Close ends its goroutines.
type Service struct{}

// New answers a service and starts its goroutines: the mail queue and the watcher of ended sessions.
func New(d Dependencies, cfg Config) (*Service, error) { return nil, errNotYet }

// Close refuses new mails, sends those that wait until ctx ends, and stops.
func (s *Service) Close(ctx context.Context) error { return errNotYet }

var errNotYet = errors.New("not there yet")

// RequestMagicLink sends a magic link to the address. It does the same for everybody, known or not. The token is "" unless
// Config.ExposeMagicLinks. Errors: ErrEmailInvalid, ErrUnavailable.
func (s *Service) RequestMagicLink(ctx context.Context, email string) (token string, err error) {
	return "", errNotYet
}

// VerifyMagicLink exchanges a magic link's token, once, for a session; the user is made at the first proof of an address.
// Errors: ErrLinkInvalid, ErrUnavailable (the link is then still good).
func (s *Service) VerifyMagicLink(ctx context.Context, token string) (Session, User, error) {
	return Session{}, User{}, errNotYet
}

// Session is a person signed in somewhere.
type Session struct {
	ID         string // "ses_…"
	Token      string // only in the answer of VerifyMagicLink: it is stored nowhere
	UserID     string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // moves while the session is used
}

// User is a person as the auth database knows them.
type User struct {
	ID         string
	Email      string // "" once erased
	Name       string // "" when unknown or erased
	Roles      []Role // sorted
	CreatedAt  time.Time
	LastSeenAt time.Time // the last sign-in
	ErasedAt   *time.Time
}

// Authenticate answers whose session a token is, and prolongs it. Errors: ErrUnauthenticated, ErrUnavailable.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	return Principal{}, errNotYet
}

// WatchSession answers a channel that is closed when p is no longer true: the session ended or the user's roles changed. Whoever
// sees it closed authenticates the token again. The watch ends with ctx.
func (s *Service) WatchSession(ctx context.Context, p Principal) <-chan struct{} { return nil }

// SignOut ends the session of a token; one that ended already is no error.
func (s *Service) SignOut(ctx context.Context, token string) error { return errNotYet }

// SignOutSession ends one session of a user. Errors: ErrSessionNotFound, ErrUnavailable.
func (s *Service) SignOutSession(ctx context.Context, userID, sessionID string) error {
	return errNotYet
}

// SignOutAll ends all sessions of a user.
func (s *Service) SignOutAll(ctx context.Context, userID string) error { return errNotYet }

// Sessions answers the sessions of a user, newest first.
func (s *Service) Sessions(ctx context.Context, userID string) ([]Session, error) {
	return nil, errNotYet
}

// Users answers those of ids that exist, by id; erased ones are among them, without address and name.
func (s *Service) Users(ctx context.Context, ids []string) (map[string]User, error) {
	return nil, errNotYet
}

// GrantRole gives a user a role, in force everywhere when it returns. actorID is the admin who does it, "" the platform itself.
// Errors: ErrUserNotFound, ErrRoleInvalid, ErrUnavailable.
func (s *Service) GrantRole(ctx context.Context, actorID, userID string, role Role) error {
	return errNotYet
}

// RevokeRole takes a role away; see GrantRole.
func (s *Service) RevokeRole(ctx context.Context, actorID, userID string, role Role) error {
	return errNotYet
}

// EraseUser forgets a user's address and name, takes their roles and ends their sessions. The id stays, since the log names people
// by it. Errors: ErrUserNotFound, ErrUnavailable.
func (s *Service) EraseUser(ctx context.Context, actorID, userID string) error { return errNotYet }

// NormalizeEmail answers the one form of an address under which it is stored, compared and counted. Error: ErrEmailInvalid.
func NormalizeEmail(text string) (string, error) { return "", errNotYet }

// Page serves GET /auth/verify and what it loads from /auth/: the page that a magic link opens. Mount it at "/auth/".
func Page() http.Handler { return http.NotFoundHandler() }
