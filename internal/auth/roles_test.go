package auth_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestRolesAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere := w.newService(func(*auth.Config) {})
	admin, ann := w.signIn("boss@example.com"), w.signIn("ann@example.com")
	w.principal(ann) // cached from now on
	for range 20 {
		require.NoError(t, w.GrantRole(t.Context(), admin.UserID, ann.UserID, auth.RoleOrganizer))
		p, err := elsewhere.Authenticate(t.Context(), ann.Token)
		require.NoError(t, err)
		require.True(t, p.HasRole(auth.RoleOrganizer))
		require.NoError(t, w.RevokeRole(t.Context(), admin.UserID, ann.UserID, auth.RoleOrganizer))
		p, err = elsewhere.Authenticate(t.Context(), ann.Token)
		require.NoError(t, err)
		require.False(t, p.HasRole(auth.RoleOrganizer))
	}
}

// A request that finds no cached account reads the database and fills the cache. It must not put a revoked role back.
func TestARevokedRoleNeverComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	var allowed atomic.Int64 // odd while the role is granted or changing
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 6 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				phase := allowed.Load()
				p, err := w.Authenticate(t.Context(), ann.Token)
				if !assert.NoError(t, err) {
					return
				}
				if phase%2 == 0 && p.HasRole(auth.RoleOrganizer) && allowed.Load() == phase {
					assert.Fail(t, "a revoked role came back")
					return
				}
			}
		})
	}
	for range 60 {
		allowed.Add(1)
		require.NoError(t, w.GrantRole(t.Context(), "", ann.UserID, auth.RoleOrganizer))
		// The cache loses the entry, so that readers fill it at this moment.
		require.NoError(t, w.redis.Del(t.Context(), "auth:account:"+ann.UserID).Err())
		require.NoError(t, w.RevokeRole(t.Context(), "", ann.UserID, auth.RoleOrganizer))
		allowed.Add(1)
		w.principal(ann)
	}
	close(stop)
	readers.Wait()
}

func TestAfterRacingChangesCacheAndDatabaseAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	for range 10 {
		var all sync.WaitGroup
		for range 3 {
			for _, change := range []func() error{
				func() error { return w.GrantRole(t.Context(), "", ann.UserID, auth.RoleOrganizer) },
				func() error { return w.RevokeRole(t.Context(), "", ann.UserID, auth.RoleOrganizer) },
			} {
				all.Go(func() {
					assert.NoError(t, change())
				})
			}
		}
		all.Wait()
		users, err := w.Users(t.Context(), []string{ann.UserID})
		require.NoError(t, err)
		require.Equal(t, users[ann.UserID].Roles, w.principal(ann).Roles)
	}
}

// A process may publish its change late, after a later change.
func TestALatePublicationUndoesNoLaterChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	require.NoError(t, w.RevokeRole(t.Context(), "", ann.UserID, auth.RoleCustomer))
	w.PublishAccount(t.Context(), ann.UserID, "-a fence that was replaced", []auth.Role{auth.RoleAdmin})
	require.Empty(t, w.principal(ann).Roles)
	require.NoError(t, w.redis.Set(t.Context(), "auth:account:"+ann.UserID, "-another's fence", 0).Err())
	w.PublishAccount(t.Context(), ann.UserID, "-a fence that was replaced", []auth.Role{auth.RoleAdmin})
	require.Empty(t, w.principal(ann).Roles)
}

func TestGrantsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, ann := w.signIn("boss@example.com").UserID, w.signIn("ann@example.com").UserID
	for range 2 { // the second time changes nothing
		require.NoError(t, w.GrantRole(t.Context(), admin, ann, auth.RoleOrganizer))
	}
	for range 2 {
		require.NoError(t, w.RevokeRole(t.Context(), admin, ann, auth.RoleOrganizer))
	}
	require.NoError(t, w.EraseUser(t.Context(), admin, ann))
	want := []string{"USER_CREATED  by ", "ROLE_GRANTED ORGANIZER by " + admin, "ROLE_REVOKED ORGANIZER by " + admin, "USER_ERASED  by " + admin}
	require.Equal(t, want, w.auditOf(ann))
	for _, tamper := range []string{"UPDATE audit_log SET actor = NULL", "DELETE FROM audit_log", "TRUNCATE audit_log"} {
		_, err := w.pool.Exec(t.Context(), tamper)
		require.Error(t, err, tamper)
	}
}

func TestInvalidGrantsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com").UserID
	require.ErrorIs(t, w.GrantRole(t.Context(), "", ann, "OWNER"), auth.ErrRoleInvalid)
	require.ErrorIs(t, w.RevokeRole(t.Context(), "", ann, "OWNER"), auth.ErrRoleInvalid)
	for name, err := range map[string]error{
		"grant":  w.GrantRole(t.Context(), "", "usr_01h455vb4pex5vsknk084sn02q", auth.RoleAdmin),
		"revoke": w.RevokeRole(t.Context(), "", "usr_01h455vb4pex5vsknk084sn02q", auth.RoleAdmin),
		"erase":  w.EraseUser(t.Context(), "", "usr_01h455vb4pex5vsknk084sn02q"),
	} {
		require.ErrorIs(t, err, auth.ErrUserNotFound, name)
	}
}

func TestNothingOfAnErasedUserIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	w.principal(one)
	require.NoError(t, w.EraseUser(t.Context(), "", one.UserID))
	for _, s := range []auth.Session{one, two} {
		_, err := w.Authenticate(t.Context(), s.Token)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	}
	users, err := w.Users(t.Context(), []string{one.UserID})
	u := users[one.UserID]
	require.NoError(t, err)
	require.Empty(t, u.Email)
	require.Empty(t, u.Name)
	require.Empty(t, u.Roles)
	require.NotNil(t, u.ErasedAt)
	require.ErrorIs(t, w.EraseUser(t.Context(), "", one.UserID), auth.ErrUserNotFound)
	var rows int
	const trace = "SELECT count(*) FROM users u, user_roles r, audit_log a WHERE (u::text || r::text || a::text) LIKE '%ann@%'"
	err = w.pool.QueryRow(t.Context(), trace).Scan(&rows)
	require.NoError(t, err)
	require.Zero(t, rows)
	require.NotEqual(t, one.UserID, w.signIn("ann@example.com").UserID, "the address is a new user's")
}

// A sign-in that was under way when its user was erased may still make a session.
func TestASessionOfAnErasedUserIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	const erase = "UPDATE users SET email = NULL, erased_at = now() WHERE id = $1"
	_, err := w.pool.Exec(t.Context(), erase, ann.UserID)
	require.NoError(t, err)
	_, err = w.Authenticate(t.Context(), ann.Token)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}

func TestUsersAreReadTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.signIn("ann@example.com").UserID, w.signIn("bob@example.com").UserID
	users, err := w.Users(t.Context(), []string{ann, bob, ann, "usr_01h455vb4pex5vsknk084sn02q", "nonsense"})
	require.NoError(t, err)
	require.Len(t, users, 2)
	require.Equal(t, "ann@example.com", users[ann].Email)
	require.Equal(t, "bob@example.com", users[bob].Email)
	users, err = w.Users(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, users)
}

// auditOf returns what the audit log says about a user.
func (w *world) auditOf(userID string) []string {
	w.t.Helper()
	const query = `
		SELECT array_agg(action || ' ' || coalesce(role, '') || ' by ' || coalesce(actor, '') ORDER BY id)
		FROM audit_log WHERE subject = $1`
	var rows []string
	require.NoError(w.t, w.pool.QueryRow(w.t.Context(), query, userID).Scan(&rows))
	return rows
}
