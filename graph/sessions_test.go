package graph_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/id"
)

func (f *fakePeople) RenewSession(_ context.Context, token string) (auth.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.sessions[token]
	if !ok || f.renewed[token] {
		return auth.Session{}, auth.ErrUnauthenticated
	}
	if f.renewed == nil {
		f.renewed = map[string]bool{}
	}
	f.renewed[token] = true
	p.RenewBy = time.Time{}
	f.sessions[token], f.sessions["renewed-"+token] = p, p
	return auth.Session{ID: p.SessionID, Token: "renewed-" + token, UserID: p.UserID, ExpiresAt: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}, nil
}

func (f *fakePeople) Sessions(_ context.Context, userID string) ([]auth.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []auth.Session
	for _, p := range f.sessions {
		if p.UserID == userID {
			found = append(found, auth.Session{ID: p.SessionID, UserID: userID, UserAgent: "Firefox"})
		}
	}
	return found, f.err
}

func (f *fakePeople) SignOutSession(_ context.Context, userID, sessionID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token, p := range f.sessions {
		if p.UserID == userID && p.SessionID == sessionID {
			delete(f.sessions, token)
			return nil
		}
	}
	return auth.ErrSessionNotFound
}

func (f *fakePeople) SignOutAll(_ context.Context, _, userID, keep string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token, p := range f.sessions {
		if p.UserID == userID && p.SessionID != keep {
			delete(f.sessions, token)
		}
	}
	return nil
}

func (f *fakePeople) ListUsers(_ context.Context, filter auth.UserFilter, part auth.Range) ([]auth.Listed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []auth.Listed
	for _, u := range f.users {
		if (filter.Email == "" || filter.Email == u.Email) && (filter.Role == "" || slices.Contains(u.Roles, filter.Role)) {
			found = append(found, auth.Listed{User: u, Number: int64(len(found) + 1)})
		}
	}
	return found[:min(len(found), part.Limit)], nil
}

func (f *fakePeople) AccessLog(_ context.Context, filter auth.AccessFilter, part auth.Range) ([]auth.AccessEntry, error) {
	found := []auth.AccessEntry{
		{ID: 1, Action: "USER_CREATED", Subject: filter.Subject}, {ID: 2, Action: "ROLE_GRANTED", Subject: filter.Subject, Actor: filter.Actor, Role: "ADMIN"},
	}
	return found[:min(len(found), part.Limit)], nil
}

const mySessions = `{ me { sessions { id current userAgent createdAt lastSeenAt expiresAt idleExpiresAt renewBy } } }`

func sessionsOf(t *testing.T, got answer) []map[string]any {
	t.Helper()
	require.Empty(t, got.Errors, got.body)
	var sessions []map[string]any
	for _, s := range got.Data["me"].(map[string]any)["sessions"].([]any) {
		sessions = append(sessions, s.(map[string]any))
	}
	return sessions
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	me := newUser()
	here, there, admin := a.as(me), a.as(me), a.as(newUser(), auth.RoleAdmin)
	const revoke = `mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { user { id } userErrors { code field } } }`
	const revokeAll = `mutation($in: RevokeAllSessionsInput) { revokeAllSessions(input: $in) { user { id } userErrors { code field } } }`

	listed := sessionsOf(t, a.do(mySessions, nil, here...))
	require.Len(t, listed, 2)
	other := ""
	for _, s := range listed {
		if !s["current"].(bool) {
			other = s["id"].(string)
		}
		require.Equal(t, "Firefox", s["userAgent"])
	}
	code, field := a.do(revoke, vars{"id": other}, admin...).userError(t, "revokeSession")
	require.Equal(t, "NOT_FOUND", code, "not even an admin's")
	require.Equal(t, []any{"sessionId"}, field)
	code, _ = a.do(revoke, vars{"id": "nonsense"}, here...).userError(t, "revokeSession")
	require.Equal(t, "INVALID", code)
	require.Equal(t, me, a.do(revoke, vars{"id": other}, here...).Data["revokeSession"].(map[string]any)["user"].(map[string]any)["id"])
	require.Equal(t, "UNAUTHENTICATED", a.do(mySessions, nil, there...).code())
	require.Len(t, sessionsOf(t, a.do(mySessions, nil, here...)), 1)

	there = a.as(me)
	require.Empty(t, a.do(revokeAll, vars{"in": vars{"keepCurrent": true}}, here...).Errors)
	require.Equal(t, "UNAUTHENTICATED", a.do(mySessions, nil, there...).code())
	require.Equal(t, "FORBIDDEN", a.do(revokeAll, vars{"in": vars{"userId": me}}, a.as(newUser(), auth.RoleOrganizer)...).code())
	require.Empty(t, a.do(revokeAll, nil, here...).Errors)
	require.Equal(t, "UNAUTHENTICATED", a.do(mySessions, nil, here...).code())

	here = a.as(me)
	require.Empty(t, a.do(revokeAll, vars{"in": vars{"userId": me}}, admin...).Errors)
	require.Equal(t, "UNAUTHENTICATED", a.do(mySessions, nil, here...).code())
}

func TestABearerTokenIsRenewedByItsClient(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	old := a.mustRenew(a.people.signIn(newUser()))
	const renew = `mutation { renewSession { sessionToken expiresAt userErrors { code } } }`
	require.Equal(t, "UNAUTHENTICATED", a.do(renew, nil).code())
	got := a.do(`{ me { id } }`, nil, "Authorization", "Bearer "+old)
	require.Empty(t, got.header.Values("Set-Cookie"))
	got = a.do(renew, nil, "Authorization", "Bearer "+old)
	require.Equal(t, "renewed-"+old, got.Data["renewSession"].(map[string]any)["sessionToken"])
	require.Empty(t, got.header.Values("Set-Cookie"))
	require.Equal(t, "UNAUTHENTICATED", a.do(renew, nil, "Authorization", "Bearer "+old).code(), "once")
	require.NotNil(t, a.do(`{ me { id } }`, nil, "Authorization", "Bearer renewed-"+old).Data["me"])
}

func TestACookieIsRenewedByItself(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const name = "__Host-ticketing_session="
	old := a.people.signIn(newUser())
	require.Empty(t, a.do(`{ me { id } }`, nil, "Cookie", name+old).header.Values("Set-Cookie"))
	a.mustRenew(old)
	got := a.do(`{ me { id } }`, nil, "Cookie", name+old)
	require.NotNil(t, got.Data["me"])
	require.Len(t, got.header.Values("Set-Cookie"), 1)
	cookie := got.header.Get("Set-Cookie")
	require.True(t, strings.HasPrefix(cookie, name+"renewed-"+old+";"), cookie)
	for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		require.Contains(t, cookie, attribute)
	}
	got = a.do(`{ me { id } }`, nil, "Cookie", name+old) // on its way while the other was answered
	require.NotNil(t, got.Data["me"])
	require.Empty(t, got.header.Values("Set-Cookie"))

	again := a.people.signIn(newUser())
	got = a.do(`mutation { renewSession { sessionToken userErrors { code } } }`, nil, "Cookie", name+again)
	require.Nil(t, got.Data["renewSession"].(map[string]any)["sessionToken"])
	require.Contains(t, got.header.Get("Set-Cookie"), name+"renewed-"+again)
}

// mustRenew has the roles of a session's user changed.
func (a *api) mustRenew(token string) string {
	a.people.mu.Lock()
	defer a.people.mu.Unlock()
	p := a.people.sessions[token]
	p.RenewBy = time.Now().Add(time.Hour)
	a.people.sessions[token] = p
	return token
}

func TestSigningInAgainEndsTheBrowsersOldSession(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const name = "__Host-ticketing_session="
	const verify = `mutation { verifyMagicLink(input: {token: "link"}) { user { id } userErrors { code } } }`
	old, elsewhere := a.people.signIn(newUser()), a.people.signIn(newUser())
	require.Empty(t, a.do(verify, nil, "Cookie", name+old, "X-Session", "cookie").Errors)
	require.Nil(t, a.do(`{ me { id } }`, nil, "Cookie", name+old).Data["me"])
	require.Empty(t, a.do(verify, nil, "Authorization", "Bearer "+elsewhere).Errors)
	require.NotNil(t, a.do(`{ me { id } }`, nil, "Authorization", "Bearer "+elsewhere).Data["me"])
}

func TestAdminsFindPeopleAndWhatWasDoneToThem(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	alice := newUser()
	a.people.signIn(alice, auth.RoleOrganizer)
	adminID := newUser()
	admin := a.as(adminID, auth.RoleAdmin)
	const users = `query($f: UserFilter) { users(filter: $f) { nodes { id email roles sessions { id } } edges { cursor node { id } } pageInfo { hasNextPage } } }`
	got := a.do(users, vars{"f": vars{"email": strings.ToUpper(alice) + "@Example.com"}}, admin...)
	require.Empty(t, got.Errors, got.body)
	nodes := got.Data["users"].(map[string]any)["nodes"].([]any)
	require.Len(t, nodes, 1)
	require.Equal(t, alice, nodes[0].(map[string]any)["id"])
	require.Contains(t, a.do(users, vars{"f": vars{"role": "ADMIN"}}, admin...).body, adminID)
	require.Contains(t, a.do(users, nil, admin...).body, alice)
	require.Equal(t, "BAD_USER_INPUT", a.do(users, vars{"f": vars{"email": "nonsense"}}, admin...).code())

	const log = `query($f: AccessLogFilter) { accessLog(filter: $f, last: 5) { nodes { id at action actor { id } user { id email } role } edges { cursor } } }`
	got = a.do(log, vars{"f": vars{"userId": alice, "actorId": adminID}}, admin...)
	require.Empty(t, got.Errors, got.body)
	entries := got.Data["accessLog"].(map[string]any)["nodes"].([]any)
	require.Len(t, entries, 2)
	require.Contains(t, got.body, alice)
	require.Contains(t, got.body, `"role":"ADMIN"`)
	require.Equal(t, "BAD_USER_INPUT", a.do(log, vars{"f": vars{"userId": id.New(id.Event)}}, admin...).code())
}
