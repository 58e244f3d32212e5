package auth_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
)

func TestOneSessionTooManyEndsTheOldest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sessions := make([]auth.Session, 0, 7)
	for range 7 { // the clock does not move: the order counts, not the time
		sessions = append(sessions, w.signIn("ann@example.com"))
	}
	for i, s := range sessions {
		_, err := w.Authenticate(t.Context(), s.Token)
		if i < 2 {
			require.ErrorIs(t, err, auth.ErrUnauthenticated, i+1)
		} else {
			require.NoError(t, err, i+1)
		}
	}
}

func TestRacingSignInsKeepTheLimitOfSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.newService(func(*auth.Config) {})
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
			sessions[i], _, err = service.VerifyMagicLink(t.Context(), token, "")
			assert.NoError(t, err)
		})
	}
	all.Wait()
	alive := 0
	for _, s := range sessions {
		if _, err := w.Authenticate(t.Context(), s.Token); err == nil {
			alive++
		}
	}
	listed, err := w.Sessions(t.Context(), sessions[0].UserID)
	require.Equal(t, 5, alive)
	require.Len(t, listed, 5)
	require.NoError(t, err)
	require.Len(t, w.redis.Keys(t.Context(), "auth:session:*").Val(), 6)
	w.principal(bystander)
}

func TestUseExtendsASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used, idle := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	for range 4 {
		w.clock.advance(2 * 24 * time.Hour)
		w.principal(used)
	}
	w.requireEnded(idle)
	listed, err := w.Sessions(t.Context(), used.UserID)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Equal(t, used.ID, listed[0].ID)
	now := w.clock.Now()
	s := listed[0]
	require.True(t, s.ExpiresAt.Equal(now.Add(168*time.Hour)))
	require.True(t, s.IdleExpiresAt.Equal(now.Add(72*time.Hour)))
	require.True(t, s.LastSeenAt.Equal(now))
	require.True(t, s.CreatedAt.Equal(used.CreatedAt))
	require.Nil(t, s.RenewBy)
}

func TestAnUnusedSessionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	require.True(t, s.ExpiresAt.Equal(w.clock.Now().Add(168*time.Hour)))
	require.True(t, s.IdleExpiresAt.Equal(w.clock.Now().Add(72*time.Hour)))
	w.clock.advance(72*time.Hour - time.Millisecond)
	w.principal(s)
	w.clock.advance(72 * time.Hour)
	w.requireEnded(s)

	// SessionTTL counts if it is shorter than SessionIdle.
	patient := w.newService(func(cfg *auth.Config) { cfg.SessionIdle = 300 * time.Hour })
	s, _, err := patient.VerifyMagicLink(t.Context(), w.mailedToken("ann@example.com"), "")
	require.NoError(t, err)
	require.True(t, s.IdleExpiresAt.Equal(s.ExpiresAt))
	w.clock.advance(168 * time.Hour)
	_, err = patient.Authenticate(t.Context(), s.Token)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}

func TestASessionEndsAtItsMaximumAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	for range 29 {
		w.clock.advance(24 * time.Hour)
		w.principal(s)
	}
	listed, err := w.Sessions(t.Context(), s.UserID)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.True(t, listed[0].ExpiresAt.Equal(s.CreatedAt.Add(720*time.Hour)))
	require.True(t, listed[0].IdleExpiresAt.Equal(listed[0].ExpiresAt))
	w.clock.advance(24 * time.Hour)
	w.requireEnded(s)
}

func TestASessionKeepsTheUserAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for given, want := range map[string]string{"Firefox": "Firefox", strings.Repeat("é", 200): strings.Repeat("é", 150), "x\xff": "x"} {
		s, _, err := w.VerifyMagicLink(t.Context(), w.mailedToken("ann@example.com"), given)
		require.NoError(t, err, given)
		require.Equal(t, want, s.UserAgent, given)
		listed, err := w.Sessions(t.Context(), s.UserID)
		require.NoError(t, err, given)
		require.Equal(t, want, listed[0].UserAgent, given)
	}
}

func TestExpiredSessionsDoNotCount(t *testing.T) {
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

func TestAllKeysInRedisExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.principal(w.signIn("ann@example.com"))
	for _, key := range w.redis.Keys(t.Context(), "*").Val() {
		ttl := w.redis.PTTL(t.Context(), key).Val()
		require.Positive(t, ttl, key)
		require.LessOrEqual(t, ttl, 168*time.Hour, key)
	}
}

func TestSignOutEndsTheRightSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two, three := w.signIn("ann@example.com"), w.signIn("ann@example.com"), w.signIn("ann@example.com")
	strangers := w.signIn("bob@example.com")
	for range 2 { // the second time is no error
		require.NoError(t, w.SignOut(t.Context(), one.Token))
	}
	w.requireEnded(one)
	w.principal(two)

	require.ErrorIs(t, w.SignOutSession(t.Context(), strangers.UserID, two.ID), auth.ErrSessionNotFound)
	w.principal(two)
	require.NoError(t, w.SignOutSession(t.Context(), two.UserID, two.ID))
	w.requireEnded(two)

	listed, err := w.Sessions(t.Context(), three.UserID)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Equal(t, three.ID, listed[0].ID)
	require.Empty(t, listed[0].Token)
	require.NoError(t, w.SignOutAll(t.Context(), "", three.UserID, ""))
	w.requireEnded(three)
	w.principal(strangers)
}

func TestSignOutAllKeepsTheGivenSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	require.NoError(t, w.SignOutAll(t.Context(), here.UserID, here.UserID, here.ID))
	w.principal(here)
	w.requireEnded(there)
	admin := w.signIn("boss@example.com").UserID
	require.NoError(t, w.SignOutAll(t.Context(), admin, here.UserID, ""))
	w.requireEnded(here)
	got, want := w.auditOf(here.UserID), []string{"USER_CREATED  by ", "SESSIONS_ENDED  by " + admin}
	require.Equal(t, want, got)
}

func TestSessionsAreListedNewestFirstByTheirPublicIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := make([]string, 0, 3)
	for range 3 {
		s := w.signIn("ann@example.com")
		require.NoError(t, id.Check("ses", s.ID))
		require.NotContains(t, s.Token, s.ID[4:])
		_, err := w.Authenticate(t.Context(), s.ID)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		made = append(made, s.ID)
	}
	listed, err := w.Sessions(t.Context(), w.signIn("ann@example.com").UserID)
	require.NoError(t, err)
	names := make([]string, 0, 3)
	for _, s := range listed[1:] {
		names = append(names, s.ID)
	}
	slices.Reverse(names)
	require.Equal(t, made, names)
}

func TestATamperedRecordIsNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signIn("ann@example.com")
	require.NoError(t, w.redis.HSet(t.Context(), "auth:session:"+s.ID, "hash", strings.Repeat("A", 43)).Err())
	_, err := w.Authenticate(t.Context(), s.Token)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}
