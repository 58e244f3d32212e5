package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/ratelimit"
)

const (
	requestLink = `mutation($email: String!) { requestMagicLink(input: {email: $email}) { token userErrors { code field } } }`
	verifyLink  = `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken expiresAt user { id email roles reservations { nodes { id } } } userErrors { code field } } }`
)

func TestSigningIn(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	code, field := a.do(requestLink, vars{"email": "no address"}).userError(t, "requestMagicLink")
	require.Equal(t, "INVALID", code)
	require.Equal(t, []any{"email"}, field)
	code, _ = a.do(verifyLink, vars{"t": "wrong"}).userError(t, "verifyMagicLink")
	require.Equal(t, "LINK_INVALID", code)

	link := a.do(requestLink, vars{"email": "Ann@Example.com"}).field(t, "requestMagicLink")["token"]
	got := a.do(verifyLink, vars{"t": link})
	payload := got.field(t, "verifyMagicLink")
	require.NotEmpty(t, payload["expiresAt"])
	require.Equal(t, "ann@example.com", payload["user"].(map[string]any)["email"])
	require.Equal(t, []any{"CUSTOMER"}, payload["user"].(map[string]any)["roles"])
	bearer := []string{"Authorization", "Bearer " + payload["sessionToken"].(string)}
	require.NotNil(t, a.do(`{ me { id } }`, nil, bearer...).Data["me"])
	require.Empty(t, got.header.Get("Set-Cookie"))

	require.Empty(t, a.do(`mutation { signOut { userErrors { code } } }`, nil, bearer...).Errors)
	require.Equal(t, "UNAUTHENTICATED", a.do(`{ me { id } }`, nil, bearer...).code())
}

func TestSigningInWithACookie(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	got := a.do(verifyLink, vars{"t": a.magicLink(newUser())}, "X-Session", "cookie")
	require.Nil(t, got.field(t, "verifyMagicLink")["sessionToken"])
	cookie := got.header.Get("Set-Cookie")
	for _, attribute := range []string{"__Host-ticketing_session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		require.Contains(t, cookie, attribute)
	}
	session, _, _ := strings.Cut(cookie, ";")
	require.NotNil(t, a.do(`{ me { id } }`, nil, "Cookie", session).Data["me"])
	out := a.do(`mutation { signOut { userErrors { code } } }`, nil, "Cookie", session)
	require.Contains(t, out.header.Get("Set-Cookie"), "Max-Age=0")
	require.Nil(t, a.do(`{ me { id } }`, nil, "Cookie", session).Data["me"])
}

func TestSigningInIsLimitedByAddressAndIP(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) { c.RateLimits.SignIn = ratelimit.SignIn(2, time.Hour) })
	require.Empty(t, a.do(requestLink, vars{"email": "a@example.com"}).Errors)
	require.Empty(t, a.do(requestLink, vars{"email": "b@example.com"}).Errors)
	require.Equal(t, "RATE_LIMITED", a.do(requestLink, vars{"email": "c@example.com"}).code())
	require.Equal(t, "RATE_LIMITED", a.do(verifyLink, vars{"t": "wrong"}).code())
}
