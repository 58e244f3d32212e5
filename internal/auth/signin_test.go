package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/mail"
	"ticketing/internal/testenv"
)

func TestAMagicLinkSignsInOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken(" Ann@Example.COM ")
	session, user, err := w.VerifyMagicLink(t.Context(), token, "")
	require.NoError(t, err)
	require.NoError(t, id.Check(id.User, user.ID))
	require.Equal(t, "ann@example.com", user.Email)
	require.Len(t, user.Roles, 1)
	require.Equal(t, auth.RoleCustomer, user.Roles[0])
	require.Equal(t, user.ID, session.UserID)
	require.True(t, session.ExpiresAt.Equal(w.clock.Now().Add(168*time.Hour)))
	p := w.principal(session)
	require.Equal(t, user.ID, p.UserID)
	require.Equal(t, session.ID, p.SessionID)
	require.True(t, p.HasRole(auth.RoleCustomer))
	require.False(t, p.HasRole(auth.RoleAdmin))
	_, _, err = w.VerifyMagicLink(t.Context(), token, "")
	require.ErrorIs(t, err, auth.ErrLinkInvalid)
	require.Equal(t, user.ID, w.signIn("ann@example.com").UserID, "the same address is the same user")
}

func TestOneOfFiftyRacingVerificationsSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.newService(func(*auth.Config) {})
	token := w.mailedToken("ann@example.com")
	var signedIn, refused atomic.Int64
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 50 {
		service := w.Service
		if i%2 == 1 {
			service = other
		}
		all.Go(func() {
			<-start
			switch _, _, err := service.VerifyMagicLink(t.Context(), token, ""); {
			case err == nil:
				signedIn.Add(1)
			case errors.Is(err, auth.ErrLinkInvalid):
				refused.Add(1)
			default:
				assert.NoError(t, err)
			}
		})
	}
	close(start)
	all.Wait()
	require.EqualValues(t, 1, signedIn.Load())
	require.EqualValues(t, 49, refused.Load())
}

func TestAMagicLinkExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("ann@example.com")
	for _, key := range w.redis.Keys(t.Context(), "auth:link:*").Val() {
		ttl := w.redis.PTTL(t.Context(), key).Val()
		require.Positive(t, ttl)
		require.LessOrEqual(t, ttl, 15*time.Minute)
	}
	w.clock.advance(15 * time.Minute)
	_, _, err := w.VerifyMagicLink(t.Context(), token, "")
	require.ErrorIs(t, err, auth.ErrLinkInvalid)
	token = w.mailedToken("ann@example.com")
	w.clock.advance(15*time.Minute - time.Millisecond)
	_, _, err = w.VerifyMagicLink(t.Context(), token, "")
	require.NoError(t, err)
}

func TestUnknownTokensAreInvalidLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("ann@example.com")
	for _, wrong := range []string{"", "x", strings.Repeat("A", 43), token + "A", token[:42], token + "=", strings.Repeat("é", 43)} {
		_, _, err := w.VerifyMagicLink(t.Context(), wrong, "")
		require.ErrorIs(t, err, auth.ErrLinkInvalid, wrong)
	}
	_, err := w.Authenticate(t.Context(), token)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}

func TestTwoFirstSignInsCreateOneUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := []string{w.mailedToken("ann@example.com"), w.mailedToken("ANN@example.com")}
	var users [2]auth.User
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			var err error
			_, users[i], err = w.VerifyMagicLink(t.Context(), token, "")
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.Equal(t, users[1].ID, users[0].ID)
	var created int
	err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM audit_log WHERE action = 'USER_CREATED'").Scan(&created)
	require.NoError(t, err)
	require.Equal(t, 1, created)
}

// A request works without the auth database and without waiting for the mail server, so that neither its result nor its duration tells
// known addresses from others.
func TestARequestDoesNotRevealWhetherAnAddressIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn("ann@example.com")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	blind := w.newService(func(cfg *auth.Config) {
		cfg.Pool = brokenPool(t)
		cfg.Mailer = mailerFunc(func(context.Context, mail.Message) error { <-ctx.Done(); return nil })
	})
	for _, email := range []string{"ann@example.com", "unknown@example.com"} {
		token, err := blind.RequestMagicLink(t.Context(), email, "")
		require.Empty(t, token)
		require.NoError(t, err)
	}
}

func TestTheTokenIsReturnedOnlyIfExposed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exposing := w.newService(func(cfg *auth.Config) { cfg.ExposeMagicLinks = true })
	token, err := exposing.RequestMagicLink(t.Context(), "ann@example.com", "")
	require.NoError(t, err)
	_, _, err = w.VerifyMagicLink(t.Context(), token, "")
	require.NoError(t, err)
	token, err = w.RequestMagicLink(t.Context(), "ann@example.com", "")
	require.Empty(t, token)
	require.NoError(t, err)
}

func TestAMagicLinkOutlivesAnOutageOfTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("ann@example.com")
	broken := w.newService(func(cfg *auth.Config) { cfg.Pool = brokenPool(t) })
	_, _, err := broken.VerifyMagicLink(t.Context(), token, "")
	require.ErrorIs(t, err, auth.ErrUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = w.VerifyMagicLink(ctx, token, "")
	require.Error(t, err, "the client has gone")
	_, _, err = w.VerifyMagicLink(t.Context(), token, "")
	require.NoError(t, err)
	_, _, err = w.VerifyMagicLink(t.Context(), token, "")
	require.ErrorIs(t, err, auth.ErrLinkInvalid)
}

func TestConfiguredAdminsBecomeAdminsWhenTheySignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("boss@example.com")
	var users int
	err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM users").Scan(&users)
	require.NoError(t, err)
	require.Zero(t, users)
	session, user, err := w.VerifyMagicLink(t.Context(), token, "")
	require.NoError(t, err)
	want := []auth.Role{auth.RoleAdmin, auth.RoleCustomer}
	require.Equal(t, want, user.Roles)
	require.Equal(t, want, w.principal(session).Roles)
	w.signIn("boss@example.com")
	var granted int
	const count = "SELECT count(*) FROM audit_log WHERE action = 'ROLE_GRANTED' AND role = 'ADMIN' AND actor IS NULL AND subject = $1"
	err = w.pool.QueryRow(t.Context(), count, user.ID).Scan(&granted)
	require.NoError(t, err)
	require.Equal(t, 1, granted)
}

func TestNoTokenIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := append(make([]string, 0, 4), w.mailedToken("bob@example.com"))
	for range 3 {
		s := w.signIn("ann@example.com")
		w.principal(s)
		tokens = append(tokens, s.Token)
	}
	stored := w.redisContents()
	require.GreaterOrEqual(t, len(stored), 10)
	for _, text := range stored {
		for _, token := range tokens {
			require.NotContains(t, text, token)
			require.NotContains(t, text, token[:20])
		}
	}
}

func TestAnInvalidConfigIsRefused(t *testing.T) {
	t.Parallel()
	good := auth.Config{BaseURL: "https://t.example", MagicLinkTTL: time.Minute, SessionTTL: time.Hour, SessionIdle: time.Hour, SessionMax: time.Hour, MaxSessions: 5}
	for name, spoil := range map[string]func(*auth.Config){
		"no base URL":      func(c *auth.Config) { c.BaseURL = "" },
		"a relative one":   func(c *auth.Config) { c.BaseURL = "/auth" },
		"no sessions":      func(c *auth.Config) { c.MaxSessions = 0 },
		"no link lifetime": func(c *auth.Config) { c.MagicLinkTTL = 0 },
		"no session life":  func(c *auth.Config) { c.SessionTTL = 0 },
		"a bad admin":      func(c *auth.Config) { c.AdminEmails = []string{"boss"} },
	} {
		cfg := good
		spoil(&cfg)
		_, err := auth.New(cfg)
		require.Error(t, err, name)
	}
}

type mailerFunc func(context.Context, mail.Message) error

func (f mailerFunc) Send(ctx context.Context, m mail.Message) error { return f(ctx, m) }

// brokenPool is a pool whose database is away.
func brokenPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return testenv.OpenPool(t, "postgres://none@127.0.0.1:1/none")
}
