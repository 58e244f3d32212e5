package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/mail"
)

func TestMagicLinkSignsInOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken(" Ann@Example.COM ")
	session, user, err := w.VerifyMagicLink(t.Context(), token, "")
	if err != nil {
		t.Fatal(err)
	}
	if id.Check(id.User, user.ID) != nil || user.Email != "ann@example.com" || len(user.Roles) != 1 || user.Roles[0] != auth.RoleCustomer {
		t.Errorf("the user is %+v", user)
	}
	if session.UserID != user.ID || !session.ExpiresAt.Equal(w.clock.Now().Add(168*time.Hour)) {
		t.Errorf("the session is %+v", session)
	}
	p := w.principal(session)
	if p.UserID != user.ID || p.SessionID != session.ID || !p.HasRole(auth.RoleCustomer) || p.HasRole(auth.RoleAdmin) {
		t.Errorf("the principal is %+v", p)
	}
	if _, _, err := w.VerifyMagicLink(t.Context(), token, ""); !errors.Is(err, auth.ErrLinkInvalid) {
		t.Errorf("the second time answers %v", err)
	}
	if again := w.signIn("ann@example.com"); again.UserID != user.ID {
		t.Error("the same address is somebody else the next time")
	}
}

func TestOneOfFiftyRacingVerificationsSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.another(func(*auth.Dependencies, *auth.Config) {})
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
				t.Error(err)
			}
		})
	}
	close(start)
	all.Wait()
	if signedIn.Load() != 1 || refused.Load() != 49 {
		t.Errorf("%d signed in and %d were refused", signedIn.Load(), refused.Load())
	}
}

func TestLinkExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("ann@example.com")
	for _, key := range w.redis.Keys(t.Context(), "auth:link:*").Val() {
		if ttl := w.redis.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > 15*time.Minute {
			t.Errorf("Redis keeps a link for %s", ttl)
		}
	}
	w.clock.advance(15 * time.Minute)
	if _, _, err := w.VerifyMagicLink(t.Context(), token, ""); !errors.Is(err, auth.ErrLinkInvalid) {
		t.Errorf("a link of 15 minutes ago answers %v", err)
	}
	token = w.mailedToken("ann@example.com")
	w.clock.advance(15*time.Minute - time.Millisecond)
	if _, _, err := w.VerifyMagicLink(t.Context(), token, ""); err != nil {
		t.Errorf("a link in its last moment answers %v", err)
	}
}

func TestUnknownTokensAreInvalidLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("ann@example.com")
	for _, wrong := range []string{"", "x", strings.Repeat("A", 43), token + "A", token[:42], token + "=", strings.Repeat("é", 43)} {
		if _, _, err := w.VerifyMagicLink(t.Context(), wrong, ""); !errors.Is(err, auth.ErrLinkInvalid) {
			t.Errorf("%q answers %v", wrong, err)
		}
	}
	if _, err := w.Authenticate(t.Context(), token); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("a link's token as a session's answers %v", err)
	}
}

func TestTwoFirstSignInsMakeOneUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := []string{w.mailedToken("ann@example.com"), w.mailedToken("ANN@example.com")}
	var users [2]auth.User
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			var err error
			if _, users[i], err = w.VerifyMagicLink(t.Context(), token, ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if users[0].ID != users[1].ID {
		t.Errorf("one address became %s and %s", users[0].ID, users[1].ID)
	}
	var created int
	if err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM audit_log WHERE action = 'USER_CREATED'").Scan(&created); err != nil || created != 1 {
		t.Errorf("the audit log says %d users were made, %v", created, err)
	}
}

// What a request does depends on nothing that is known of an address: it works without the users' database and never waits for the
// mail server. So its answer and its time can't tell known addresses from others.
func TestRequestKnowsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn("ann@example.com")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	blind := w.another(func(d *auth.Dependencies, _ *auth.Config) {
		d.Pool = brokenPool(t)
		d.Mailer = mailerFunc(func(context.Context, mail.Message) error { <-ctx.Done(); return nil })
	})
	for _, email := range []string{"ann@example.com", "nobody@example.com"} {
		if token, err := blind.RequestMagicLink(t.Context(), email); token != "" || err != nil {
			t.Errorf("it answers %q, %v", token, err)
		}
	}
}

func TestTokenIsAnsweredOnlyWhenExposed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exposing := w.another(func(_ *auth.Dependencies, cfg *auth.Config) { cfg.ExposeMagicLinks = true })
	token, err := exposing.RequestMagicLink(t.Context(), "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.VerifyMagicLink(t.Context(), token, ""); err != nil {
		t.Errorf("the answered token does not sign in: %v", err)
	}
	if token, err = w.RequestMagicLink(t.Context(), "ann@example.com"); token != "" || err != nil {
		t.Errorf("unexposed, it answers %q, %v", token, err)
	}
}

func TestLinkOutlivesAnOutageOfTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("ann@example.com")
	broken := w.another(func(d *auth.Dependencies, _ *auth.Config) { d.Pool = brokenPool(t) })
	if _, _, err := broken.VerifyMagicLink(t.Context(), token, ""); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("without a database it answers %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.VerifyMagicLink(ctx, token, ""); err == nil {
		t.Error("it signed somebody in who had left")
	}
	if _, _, err := w.VerifyMagicLink(t.Context(), token, ""); err != nil {
		t.Errorf("after the outage it answers %v", err)
	}
	if _, _, err := w.VerifyMagicLink(t.Context(), token, ""); !errors.Is(err, auth.ErrLinkInvalid) {
		t.Errorf("and then again %v", err)
	}
}

func TestAdminsAreMadeWhenTheirAddressIsProven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.mailedToken("boss@example.com")
	var users int
	if err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM users").Scan(&users); err != nil || users != 0 {
		t.Errorf("there are %d users before anybody proved an address, %v", users, err)
	}
	session, user, err := w.VerifyMagicLink(t.Context(), token, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := []auth.Role{auth.RoleAdmin, auth.RoleCustomer}; !slices.Equal(user.Roles, want) || !slices.Equal(w.principal(session).Roles, want) {
		t.Errorf("the boss is %v", user.Roles)
	}
	w.signIn("boss@example.com")
	var granted int
	const count = "SELECT count(*) FROM audit_log WHERE action = 'ROLE_GRANTED' AND role = 'ADMIN' AND actor IS NULL AND subject = $1"
	if err := w.pool.QueryRow(t.Context(), count, user.ID).Scan(&granted); err != nil || granted != 1 {
		t.Errorf("the audit log has %d grants, %v", granted, err)
	}
}

func TestNoTokenIsAtRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := append(make([]string, 0, 4), w.mailedToken("bob@example.com"))
	for range 3 {
		s := w.signIn("ann@example.com")
		w.principal(s)
		tokens = append(tokens, s.Token)
	}
	at := w.atRest()
	if len(at) < 10 {
		t.Fatalf("only %v is there", at)
	}
	for _, text := range at {
		for _, token := range tokens {
			if strings.Contains(text, token) || strings.Contains(text, token[:20]) {
				t.Errorf("a token is in %q", text)
			}
		}
	}
}

func TestMistakesInTheConfigurationAreRefused(t *testing.T) {
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
		if _, err := auth.New(auth.Dependencies{}, cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

type mailerFunc func(context.Context, mail.Message) error

func (f mailerFunc) Send(ctx context.Context, m mail.Message) error { return f(ctx, m) }

// brokenPool is a pool whose database is away.
func brokenPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
