package auth_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/redis"
	"ticketing/internal/testenv"
)

func TestARedisOutageIsNoSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	token := w.mailedToken("ann@example.com")
	w.server.Kill()
	for name, attempt := range map[string]func() error{
		"authenticate":     func() error { _, err := w.Authenticate(t.Context(), s.Token); return err },
		"request a link":   func() error { _, err := w.RequestMagicLink(t.Context(), "ann@example.com", ""); return err },
		"verify a link":    func() error { _, _, err := w.VerifyMagicLink(t.Context(), token, ""); return err },
		"sign out":         func() error { return w.SignOut(t.Context(), s.Token) },
		"sign out all":     func() error { return w.SignOutAll(t.Context(), "", s.UserID, "") },
		"sign out another": func() error { return w.SignOutSession(t.Context(), s.UserID, s.ID) },
		"list sessions":    func() error { _, err := w.Sessions(t.Context(), s.UserID); return err },
		"grant a role":     func() error { return w.GrantRole(t.Context(), "", s.UserID, auth.RoleAdmin) },
	} {
		err := attempt()
		require.ErrorIs(t, err, auth.ErrUnavailable, name)
		require.NotErrorIs(t, err, auth.ErrUnauthenticated, name)
	}
	users, err := w.Users(t.Context(), []string{s.UserID})
	require.NoError(t, err)
	require.Len(t, users[s.UserID].Roles, 1)
}

func TestUsersSignInAgainAfterRedisLostEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.signIn("ann@example.com")
	w.server.Kill()
	w.server.Wipe()
	w.server.Start()
	testenv.Eventually(t, soon, func() (bool, string) {
		_, err := w.Authenticate(t.Context(), before.Token)
		return errors.Is(err, auth.ErrUnauthenticated), "a lost session returns " + errText(err)
	})
	require.Equal(t, before.UserID, w.principal(w.signIn("ann@example.com")).UserID, "signing in again is no new user")
}

func TestHangingRedisIsUnavailableSoon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	client, err := redis.New(t.Context(), w.server.URL(), redis.Config{Logger: slog.New(slog.DiscardHandler)}) // as the programs open it
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	service := w.newService(func(cfg *auth.Config) { cfg.Redis = client })
	require.NoError(t, w.redis.Do(t.Context(), "CLIENT", "PAUSE", "60000", "ALL").Err())
	start := time.Now()
	_, err = service.Authenticate(t.Context(), s.Token)
	took := time.Since(start)
	require.ErrorIs(t, err, auth.ErrUnavailable)
	require.LessOrEqual(t, took, 5*time.Second)
}

func TestRolesOutliveAShortOutageOfTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known, unknown := w.signIn("ann@example.com"), w.signIn("bob@example.com")
	w.principal(known)
	broken := w.newService(func(cfg *auth.Config) { cfg.Pool = brokenPool(t) })
	p, err := broken.Authenticate(t.Context(), known.Token)
	require.NoError(t, err)
	require.True(t, p.HasRole(auth.RoleCustomer))
	_, err = broken.Authenticate(t.Context(), unknown.Token)
	require.ErrorIs(t, err, auth.ErrUnavailable)
	_, err = broken.Users(t.Context(), []string{known.UserID})
	require.ErrorIs(t, err, auth.ErrUnavailable)
}

func errText(err error) string {
	if err == nil {
		return "nothing wrong"
	}
	return err.Error()
}
