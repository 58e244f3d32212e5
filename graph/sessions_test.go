package graph_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
)

const mySessions = `{ me { sessions { id current userAgent createdAt lastSeenAt expiresAt idleExpiresAt renewBy } } }`

func sessionsOf(t *testing.T, got response) []map[string]any {
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
	a := newReadAPI(t)
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

const sessionCookie = graph.SessionCookie + "="

func TestABearerTokenIsRenewedByItsClient(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	old := a.signIn(me)
	a.changeRoles(me)
	const renew = `mutation { renewSession { sessionToken expiresAt userErrors { code } } }`
	require.Equal(t, "UNAUTHENTICATED", a.do(renew, nil).code())
	got := a.do(`{ me { id } }`, nil, "Authorization", "Bearer "+old)
	require.Empty(t, got.header.Values("Set-Cookie"))
	got = a.do(renew, nil, "Authorization", "Bearer "+old)
	renewed := got.field(t, "renewSession")["sessionToken"].(string)
	require.NotEqual(t, old, renewed)
	require.Empty(t, got.header.Values("Set-Cookie"))
	require.Equal(t, "UNAUTHENTICATED", a.do(renew, nil, "Authorization", "Bearer "+old).code(), "only once")
	require.Equal(t, me, a.do(`{ me { id } }`, nil, "Authorization", "Bearer "+renewed).field(t, "me")["id"])
}

func TestACookieIsRenewedByTheNextRequest(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me := newUser()
	old := a.signIn(me)
	require.Empty(t, a.do(`{ me { id } }`, nil, "Cookie", sessionCookie+old).header.Values("Set-Cookie"))
	a.changeRoles(me)
	got := a.do(`{ me { id } }`, nil, "Cookie", sessionCookie+old)
	require.NotNil(t, got.Data["me"])
	require.Len(t, got.header.Values("Set-Cookie"), 1)
	cookie := got.header.Get("Set-Cookie")
	require.True(t, strings.HasPrefix(cookie, sessionCookie), cookie)
	require.NotContains(t, cookie, old)
	for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		require.Contains(t, cookie, attribute)
	}
	got = a.do(`{ me { id } }`, nil, "Cookie", sessionCookie+old) // a request that was sent before the response arrived
	require.NotNil(t, got.Data["me"])
	require.Empty(t, got.header.Values("Set-Cookie"))

	got = a.do(`mutation { renewSession { sessionToken userErrors { code } } }`, nil, "Cookie", sessionCookie+a.signIn(newUser()))
	require.Nil(t, got.field(t, "renewSession")["sessionToken"])
	require.Contains(t, got.header.Get("Set-Cookie"), sessionCookie)
}

// changeRoles changes a user's roles, so that their sessions must be renewed.
func (a *api) changeRoles(userID string) {
	a.t.Helper()
	require.NoError(a.t, a.auth.GrantRole(a.t.Context(), "", userID, auth.RoleOrganizer))
}

func TestSigningInAgainEndsTheBrowsersOldSession(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	const verify = `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { user { id } userErrors { code } } }`
	old, elsewhere := a.signIn(newUser()), a.signIn(newUser())
	require.Empty(t, a.do(verify, vars{"t": a.magicLink(newUser())}, "Cookie", sessionCookie+old, "X-Session", "cookie").Errors)
	require.Nil(t, a.do(`{ me { id } }`, nil, "Cookie", sessionCookie+old).Data["me"])
	require.Empty(t, a.do(verify, vars{"t": a.magicLink(newUser())}, "Authorization", "Bearer "+elsewhere).Errors)
	require.NotNil(t, a.do(`{ me { id } }`, nil, "Authorization", "Bearer "+elsewhere).Data["me"])
}
