package auth_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"ticketing/internal/auth"
)

func TestRolesAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere := w.another(func(*auth.Dependencies, *auth.Config) {})
	admin, ann := w.signIn("boss@example.com"), w.signIn("ann@example.com")
	w.principal(ann) // remembered from now on
	for range 20 {
		if err := w.GrantRole(t.Context(), admin.UserID, ann.UserID, auth.RoleOrganizer); err != nil {
			t.Fatal(err)
		}
		if p, err := elsewhere.Authenticate(t.Context(), ann.Token); err != nil || !p.HasRole(auth.RoleOrganizer) {
			t.Fatalf("a granted role is missing in %+v, %v", p, err)
		}
		if err := w.RevokeRole(t.Context(), admin.UserID, ann.UserID, auth.RoleOrganizer); err != nil {
			t.Fatal(err)
		}
		if p, err := elsewhere.Authenticate(t.Context(), ann.Token); err != nil || p.HasRole(auth.RoleOrganizer) {
			t.Fatalf("a revoked role is still in %+v, %v", p, err)
		}
	}
}

// Readers that find nothing remembered read the database and fill the memory in; none of them may put back what was revoked.
func TestNobodyBringsARevokedRoleBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	var allowed atomic.Int64 // how often the role may be seen by who starts now: odd while granted or changing
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
				if err != nil {
					t.Error(err)
					return
				}
				if phase%2 == 0 && p.HasRole(auth.RoleOrganizer) && allowed.Load() == phase {
					t.Error("a revoked role came back")
					return
				}
			}
		})
	}
	for range 60 {
		allowed.Add(1)
		if err := w.GrantRole(t.Context(), "", ann.UserID, auth.RoleOrganizer); err != nil {
			t.Fatal(err)
		}
		// Now and then what is remembered is lost, so that readers fill it in just then.
		if err := w.redis.Del(t.Context(), "auth:account:"+ann.UserID).Err(); err != nil {
			t.Fatal(err)
		}
		if err := w.RevokeRole(t.Context(), "", ann.UserID, auth.RoleOrganizer); err != nil {
			t.Fatal(err)
		}
		allowed.Add(1)
		w.principal(ann)
	}
	close(stop)
	readers.Wait()
}

func TestRacingChangesOfOneUserEndInOneTruth(t *testing.T) {
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
					if err := change(); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		users, err := w.Users(t.Context(), []string{ann.UserID})
		if err != nil {
			t.Fatal(err)
		}
		if roles := w.principal(ann).Roles; !slices.Equal(roles, users[ann.UserID].Roles) {
			t.Fatalf("Redis says %v, the database %v", roles, users[ann.UserID].Roles)
		}
	}
}

// A process may be slow to tell Redis of a change; what later changes made of it must stay.
func TestLateSettlingUndoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	if err := w.RevokeRole(t.Context(), "", ann.UserID, auth.RoleCustomer); err != nil {
		t.Fatal(err)
	}
	w.Settle(t.Context(), ann.UserID, "-a fence that was replaced", []auth.Role{auth.RoleAdmin})
	if p := w.principal(ann); len(p.Roles) != 0 {
		t.Errorf("a late process brought back %v", p.Roles)
	}
	if err := w.redis.Set(t.Context(), "auth:account:"+ann.UserID, "-another's fence", 0).Err(); err != nil {
		t.Fatal(err)
	}
	w.Settle(t.Context(), ann.UserID, "-a fence that was replaced", []auth.Role{auth.RoleAdmin})
	if p := w.principal(ann); len(p.Roles) != 0 {
		t.Errorf("a late process removed another's fence: %v", p.Roles)
	}
}

func TestGrantsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, ann := w.signIn("boss@example.com").UserID, w.signIn("ann@example.com").UserID
	for range 2 { // the second time changes nothing
		if err := w.GrantRole(t.Context(), admin, ann, auth.RoleOrganizer); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := w.RevokeRole(t.Context(), admin, ann, auth.RoleOrganizer); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.EraseUser(t.Context(), admin, ann); err != nil {
		t.Fatal(err)
	}
	want := []string{"USER_CREATED  by ", "ROLE_GRANTED ORGANIZER by " + admin, "ROLE_REVOKED ORGANIZER by " + admin, "USER_ERASED  by " + admin}
	if got := w.audited(ann); !slices.Equal(got, want) {
		t.Errorf("the audit log says %q", got)
	}
	for _, tamper := range []string{"UPDATE audit_log SET actor = NULL", "DELETE FROM audit_log", "TRUNCATE audit_log"} {
		if _, err := w.pool.Exec(t.Context(), tamper); err == nil {
			t.Errorf("%s is allowed", tamper)
		}
	}
}

func TestGrantsToNobodyAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com").UserID
	if err := w.GrantRole(t.Context(), "", ann, "OWNER"); !errors.Is(err, auth.ErrRoleInvalid) {
		t.Errorf("a role that is none answers %v", err)
	}
	if err := w.RevokeRole(t.Context(), "", ann, "OWNER"); !errors.Is(err, auth.ErrRoleInvalid) {
		t.Errorf("revoking a role that is none answers %v", err)
	}
	for name, err := range map[string]error{
		"grant":  w.GrantRole(t.Context(), "", "usr_01h455vb4pex5vsknk084sn02q", auth.RoleAdmin),
		"revoke": w.RevokeRole(t.Context(), "", "usr_01h455vb4pex5vsknk084sn02q", auth.RoleAdmin),
		"erase":  w.EraseUser(t.Context(), "", "usr_01h455vb4pex5vsknk084sn02q"),
	} {
		if !errors.Is(err, auth.ErrUserNotFound) {
			t.Errorf("%s for an unknown user answers %v", name, err)
		}
	}
}

func TestErasedPersonIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.signIn("ann@example.com"), w.signIn("ann@example.com")
	w.principal(one)
	if err := w.EraseUser(t.Context(), "", one.UserID); err != nil {
		t.Fatal(err)
	}
	for _, s := range []auth.Session{one, two} {
		if _, err := w.Authenticate(t.Context(), s.Token); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Errorf("an erased person's session answers %v", err)
		}
	}
	users, err := w.Users(t.Context(), []string{one.UserID})
	if u := users[one.UserID]; err != nil || u.Email != "" || u.Name != "" || len(u.Roles) != 0 || u.ErasedAt == nil {
		t.Errorf("what is left is %+v, %v", u, err)
	}
	if err := w.EraseUser(t.Context(), "", one.UserID); !errors.Is(err, auth.ErrUserNotFound) {
		t.Errorf("erasing again answers %v", err)
	}
	var rows int
	const trace = "SELECT count(*) FROM users u, user_roles r, audit_log a WHERE (u::text || r::text || a::text) LIKE '%ann@%'"
	if err := w.pool.QueryRow(t.Context(), trace).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows still name the address, %v", rows, err)
	}
	if s := w.signIn("ann@example.com"); s.UserID == one.UserID {
		t.Error("the address brought the erased person back")
	}
}

// A sign-in that was under way when its user was erased may still make a session; the session must be good for nothing.
func TestSessionOfAnErasedPersonIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	const erase = "UPDATE users SET email = NULL, erased_at = now() WHERE id = $1"
	if _, err := w.pool.Exec(t.Context(), erase, ann.UserID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), ann.Token); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("it answers %v", err)
	}
}

func TestUsersAreReadTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.signIn("ann@example.com").UserID, w.signIn("bob@example.com").UserID
	users, err := w.Users(t.Context(), []string{ann, bob, ann, "usr_01h455vb4pex5vsknk084sn02q", "nonsense"})
	if err != nil || len(users) != 2 || users[ann].Email != "ann@example.com" || users[bob].Email != "bob@example.com" {
		t.Errorf("read are %+v, %v", users, err)
	}
	if users, err := w.Users(t.Context(), nil); err != nil || len(users) != 0 {
		t.Errorf("no ids answer %+v, %v", users, err)
	}
}

// audited answers what the audit log says was done to a user.
func (w *world) audited(userID string) []string {
	w.t.Helper()
	const query = `
		SELECT array_agg(action || ' ' || coalesce(role, '') || ' by ' || coalesce(actor, '') ORDER BY id)
		FROM audit_log WHERE subject = $1`
	var rows []string
	if err := w.pool.QueryRow(w.t.Context(), query, userID).Scan(&rows); err != nil {
		w.t.Fatal(err)
	}
	return rows
}
