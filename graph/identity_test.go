package graph_test

import (
	"fmt"
	"net/netip"
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

// asks asks for a link from an IP address, and returns the error's code.
func (a *api) asks(ip, email string) string {
	return a.do(requestLink, vars{"email": email}, "X-Forwarded-For", ip).code()
}

func TestSigningInIsLimitedByNetwork(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) {
		c.RateLimits.SignIn = ratelimit.SignIn(1, time.Hour)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for i := range 10 { // an office
		require.Empty(t, a.asks("192.0.2.1", fmt.Sprintf("a%d@example.com", i)))
	}
	require.Equal(t, "RATE_LIMITED", a.asks("192.0.2.1", "b@example.com"))
	code, _ := a.do(verifyLink, vars{"t": "wrong"}, "X-Forwarded-For", "192.0.2.1").userError(t, "verifyMagicLink")
	require.Equal(t, "LINK_INVALID", code, "links can be used all the same")
	require.Empty(t, a.asks("192.0.2.2", "b@example.com"), "what was refused does not count for the address")
}

// However often strangers ask for links to an address: its owner gets one.
func TestStrangersCannotLockAnAddressOut(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) {
		c.RateLimits.SignIn = ratelimit.SignIn(1, time.Hour)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	for range 20 {
		a.asks("192.0.2.1", "ann@example.com")
	}
	require.Empty(t, a.asks("192.0.2.2", "ann@example.com"), "one network has not used the address up")
	sent := 0
	for i := range 100 {
		if a.asks(fmt.Sprintf("198.51.100.%d", i), "ann@example.com") == "" {
			sent++
		}
	}
	require.Less(t, sent, 60, "a mailbox is not filled")
	require.Greater(t, sent, 40, "networks that had no mail yet get one")
	sent = 0
	for i := range 10 {
		if a.asks(fmt.Sprintf("2001:db8:0:%x::1", i), "bob@example.com") == "" {
			sent++
		}
	}
	require.Equal(t, 1, sent, "the prefixes of one network of IPv6")
}
