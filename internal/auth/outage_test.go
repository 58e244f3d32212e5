package auth_test

import (
	"errors"
	"testing"
	"time"

	"ticketing/internal/auth"
	"ticketing/internal/testenv"
)

func TestRedisAwayIsNotSignedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	token := w.mailedToken("ann@example.com")
	w.server.Kill()
	for name, attempt := range map[string]func() error{
		"authenticate":     func() error { _, err := w.Authenticate(t.Context(), s.Token); return err },
		"request a link":   func() error { _, err := w.RequestMagicLink(t.Context(), "ann@example.com"); return err },
		"verify a link":    func() error { _, _, err := w.VerifyMagicLink(t.Context(), token, ""); return err },
		"sign out":         func() error { return w.SignOut(t.Context(), s.Token) },
		"sign out all":     func() error { return w.SignOutAll(t.Context(), "", s.UserID, "") },
		"sign out another": func() error { return w.SignOutSession(t.Context(), s.UserID, s.ID) },
		"list sessions":    func() error { _, err := w.Sessions(t.Context(), s.UserID); return err },
		"grant a role":     func() error { return w.GrantRole(t.Context(), "", s.UserID, auth.RoleAdmin) },
	} {
		if err := attempt(); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("without Redis, to %s answers %v", name, err)
		}
	}
	users, err := w.Users(t.Context(), []string{s.UserID})
	if err != nil || len(users[s.UserID].Roles) != 1 {
		t.Errorf("the role that could not be granted everywhere was granted: %+v, %v", users, err)
	}
}

func TestPeopleSignInAgainWhenRedisLostEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.signIn("ann@example.com")
	w.server.Kill()
	w.server.Wipe()
	w.server.Start()
	testenv.Eventually(t, soon, func() (bool, string) {
		_, err := w.Authenticate(t.Context(), before.Token)
		return errors.Is(err, auth.ErrUnauthenticated), "a lost session answers " + errText(err)
	})
	if after := w.signIn("ann@example.com"); w.principal(after).UserID != before.UserID {
		t.Error("signing in again made somebody else")
	}
}

func TestHangingRedisIsUnavailableSoon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	if err := w.redis.Do(t.Context(), "CLIENT", "PAUSE", "60000", "ALL").Err(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err := w.Authenticate(t.Context(), s.Token)
	if took := time.Since(start); !errors.Is(err, auth.ErrUnavailable) || took > 30*time.Second {
		t.Errorf("after %s it answers %v", took, err)
	}
}

func TestRolesOutliveAShortOutageOfTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	known, unknown := w.signIn("ann@example.com"), w.signIn("bob@example.com")
	w.principal(known)
	broken := w.another(func(d *auth.Dependencies, _ *auth.Config) { d.Pool = brokenPool(t) })
	if p, err := broken.Authenticate(t.Context(), known.Token); err != nil || !p.HasRole(auth.RoleCustomer) {
		t.Errorf("whose roles are remembered is %+v, %v", p, err)
	}
	if _, err := broken.Authenticate(t.Context(), unknown.Token); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("whose roles are not answers %v", err)
	}
	if _, err := broken.Users(t.Context(), []string{known.UserID}); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("reading users answers %v", err)
	}
}

func errText(err error) string {
	if err == nil {
		return "nothing wrong"
	}
	return err.Error()
}
