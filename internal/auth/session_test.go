package auth_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketing/internal/auth"
	"ticketing/internal/id"
)

func TestOldestSessionGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sessions := make([]auth.Session, 0, 7)
	for range 7 { // the clock stands still: the order counts, not the time
		sessions = append(sessions, w.signIn("ann@example.com"))
	}
	for i, s := range sessions {
		_, err := w.Authenticate(t.Context(), s.Token)
		if gone := i < 2; gone != errors.Is(err, auth.ErrUnauthenticated) || !gone && err != nil {
			t.Errorf("session %d of 7 answers %v", i+1, err)
		}
	}
}

func TestNoMoreThanFiveSessionsWhoeverRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.another(func(*auth.Dependencies, *auth.Config) {})
	bystander := w.signIn("bob@example.com")
	tokens := make([]string, 0, 40)
	for range 40 {
		tokens = append(tokens, w.mailedToken("ann@example.com"))
	}
	sessions := make([]auth.Session, len(tokens))
	var all sync.WaitGroup
	for i, token := range tokens {
		service := []*auth.Service{w.Service, other}[i%2]
		all.Go(func() {
			var err error
			if sessions[i], _, err = service.VerifyMagicLink(t.Context(), token, ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	alive := 0
	for _, s := range sessions {
		if _, err := w.Authenticate(t.Context(), s.Token); err == nil {
			alive++
		}
	}
	if listed, err := w.Sessions(t.Context(), sessions[0].UserID); alive != 5 || len(listed) != 5 || err != nil {
		t.Errorf("%d sessions are alive and %d listed, %v", alive, len(listed), err)
	}
	if keys := w.redis.Keys(t.Context(), "auth:session:*").Val(); len(keys) != 6 {
		t.Errorf("Redis keeps %d sessions", len(keys))
	}
	w.principal(bystander)
}

// A session ends at the first of three moments: when it was not used for long, when it was not used for very long (which counts where the
// first is longer), and at its age.
func TestSessionSlidesWhileItIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used, idle := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	for range 4 {
		w.clock.advance(2 * 24 * time.Hour)
		w.principal(used)
	}
	w.over(idle)
	listed, err := w.Sessions(t.Context(), used.UserID)
	if err != nil || len(listed) != 1 || listed[0].ID != used.ID {
		t.Fatalf("listed are %+v, %v", listed, err)
	}
	now := w.clock.Now()
	if s := listed[0]; !s.ExpiresAt.Equal(now.Add(168*time.Hour)) || !s.IdleExpiresAt.Equal(now.Add(72*time.Hour)) ||
		!s.LastSeenAt.Equal(now) || !s.CreatedAt.Equal(used.CreatedAt) || s.RenewBy != nil {
		t.Errorf("the used session is %+v", s)
	}
}

func TestUnusedSessionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	if !s.ExpiresAt.Equal(w.clock.Now().Add(168*time.Hour)) || !s.IdleExpiresAt.Equal(w.clock.Now().Add(72*time.Hour)) {
		t.Errorf("a new session is %+v", s)
	}
	w.clock.advance(72*time.Hour - time.Millisecond)
	w.principal(s)
	w.clock.advance(72 * time.Hour)
	w.over(s)

	// Where unused sessions may live longer than used ones slide, the sliding counts.
	patient := w.another(func(_ *auth.Dependencies, cfg *auth.Config) { cfg.SessionIdle = 300 * time.Hour })
	s, _, err := patient.VerifyMagicLink(t.Context(), w.mailedToken("ann@example.com"), "")
	if err != nil || !s.IdleExpiresAt.Equal(s.ExpiresAt) {
		t.Fatalf("it is %+v, %v", s, err)
	}
	w.clock.advance(168 * time.Hour)
	if _, err := patient.Authenticate(t.Context(), s.Token); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("at its expiry the session answers %v", err)
	}
}

func TestSessionEndsAtItsAgeHoweverMuchItIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	for range 29 {
		w.clock.advance(24 * time.Hour)
		w.principal(s)
	}
	listed, err := w.Sessions(t.Context(), s.UserID)
	if err != nil || len(listed) != 1 || !listed[0].ExpiresAt.Equal(s.CreatedAt.Add(720*time.Hour)) || !listed[0].IdleExpiresAt.Equal(listed[0].ExpiresAt) {
		t.Errorf("a day before its end it is %+v, %v", listed, err)
	}
	w.clock.advance(24 * time.Hour)
	w.over(s)
}

func TestWhatSignedInIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for given, want := range map[string]string{"Firefox": "Firefox", strings.Repeat("é", 200): strings.Repeat("é", 150), "x\xff": "x"} {
		s, _, err := w.VerifyMagicLink(t.Context(), w.mailedToken("ann@example.com"), given)
		if err != nil || s.UserAgent != want {
			t.Errorf("%q is remembered as %q, %v", given, s.UserAgent, err)
		}
		if listed, err := w.Sessions(t.Context(), s.UserID); err != nil || listed[0].UserAgent != want {
			t.Errorf("%q is listed as %+v, %v", given, listed, err)
		}
	}
}

func TestExpiredSessionsTakeNoPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.signIn("ann@example.com")
	}
	w.clock.advance(169 * time.Hour)
	fresh := make([]auth.Session, 0, 5)
	for range 5 {
		fresh = append(fresh, w.signIn("ann@example.com"))
	}
	for _, s := range fresh {
		w.principal(s)
	}
}

func TestRedisForgetsSessionsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.principal(w.signIn("ann@example.com"))
	for _, key := range w.redis.Keys(t.Context(), "*").Val() {
		if ttl := w.redis.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > 168*time.Hour {
			t.Errorf("%s is kept for %s", key, ttl)
		}
	}
}

func TestSigningOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, three := w.signIn("ann@example.com"), w.signIn("ann@example.com"), w.signIn("ann@example.com")
	strangers := w.signIn("bob@example.com")
	for range 2 { // the second time is no error
		if err := w.SignOut(t.Context(), one.Token); err != nil {
			t.Error(err)
		}
	}
	w.over(one)
	w.principal(two)

	if err := w.SignOutSession(t.Context(), strangers.UserID, two.ID); !errors.Is(err, auth.ErrSessionNotFound) {
		t.Errorf("ending somebody else's session answers %v", err)
	}
	w.principal(two)
	if err := w.SignOutSession(t.Context(), two.UserID, two.ID); err != nil {
		t.Error(err)
	}
	w.over(two)

	listed, err := w.Sessions(t.Context(), three.UserID)
	if err != nil || len(listed) != 1 || listed[0].ID != three.ID || listed[0].Token != "" {
		t.Errorf("listed are %+v, %v", listed, err)
	}
	if err := w.SignOutAll(t.Context(), "", three.UserID, ""); err != nil {
		t.Error(err)
	}
	w.over(three)
	w.principal(strangers)
}

func TestSigningOutEverywhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	if err := w.SignOutAll(t.Context(), here.UserID, here.UserID, here.ID); err != nil {
		t.Error(err)
	}
	w.principal(here)
	w.over(there)
	admin := w.signIn("boss@example.com").UserID
	if err := w.SignOutAll(t.Context(), admin, here.UserID, ""); err != nil {
		t.Error(err)
	}
	w.over(here)
	if got, want := w.audited(here.UserID), []string{"USER_CREATED  by ", "SESSIONS_ENDED  by " + admin}; !slices.Equal(got, want) {
		t.Errorf("the audit log says %q: what people do to themselves is not in it", got)
	}
}

func TestSessionsAreListedNewestFirstUnderTheirPublicNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := make([]string, 0, 3)
	for range 3 {
		s := w.signIn("ann@example.com")
		if id.Check("ses", s.ID) != nil || strings.Contains(s.Token, s.ID[4:]) {
			t.Errorf("the session is called %q", s.ID)
		}
		if _, err := w.Authenticate(t.Context(), s.ID); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("a session's name as its token answers %v", err)
		}
		made = append(made, s.ID)
	}
	listed, err := w.Sessions(t.Context(), w.signIn("ann@example.com").UserID)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, 3)
	for _, s := range listed[1:] {
		names = append(names, s.ID)
	}
	slices.Reverse(names)
	if !slices.Equal(names, made) {
		t.Errorf("listed are %v, made were %v", names, made)
	}
}

func TestTamperedRecordIsNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	if err := w.redis.HSet(t.Context(), "auth:session:"+s.ID, "hash", strings.Repeat("A", 43)).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), s.Token); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("a session of another hash answers %v", err)
	}
}
