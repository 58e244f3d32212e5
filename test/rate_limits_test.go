package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// clientFrom returns a client whose requests come through a proxy, from an address.
func (s *system) clientFrom(address string) *client {
	return &client{t: s.t, url: s.url, forwardedFor: address}
}

const askForLink = `mutation($e: String!) { requestMagicLink(input: {email: $e}) { userErrors { code } } }`

func TestSigningInIsLimitedByAddressAndNetwork(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	env["AUTH_RATE_LIMIT_REQUESTS"], env["AUTH_RATE_LIMIT_WINDOW"], env["TRUSTED_PROXIES"] = "5", "24h", "127.0.0.1"
	s := startSystemIn(t, env)
	var data map[string]any

	// Aliases are counted one by one.
	var six strings.Builder
	for _, alias := range []string{"a", "b", "c", "d", "e", "f"} {
		six.WriteString(alias + `: requestMagicLink(input: {email: "ann@example.com"}) { userErrors { code } } `)
	}
	errs := s.clientFrom("198.51.100.1").execute("mutation { "+six.String()+"}", nil, &data)
	require.Len(t, errs, 1)
	require.Equal(t, "RATE_LIMITED", errs[0].code())
	require.Greater(t, errs[0].Extensions["retryAfterSeconds"], 3600.)

	s.clientFrom("198.51.100.2").mustExecute(askForLink, vars{"e": "ANN@example.com"}, nil) // one network does not lock an address out
	first := s.clientFrom("1.1.1.1, 198.51.100.1")
	require.Equal(t, "RATE_LIMITED", first.requireError(askForLink, vars{"e": "ann@example.com"}), "what a client claims is not believed")

	// A network may ask for ten times as many, for whichever users.
	asked := 5
	for asked < 100 && len(first.execute(askForLink, vars{"e": fmt.Sprintf("user%d@example.com", asked)}, nil)) == 0 {
		asked++
	}
	require.InDelta(t, 50, asked, 2, "requests that were refused by address count as well")
	s.clientFrom("198.51.100.3").mustExecute(askForLink, vars{"e": "bob@example.com"}, nil)
	first.mustExecute(`mutation { verifyMagicLink(input: {token: "x"}) { userErrors { code } } }`, nil, nil) // links can be used all the same
}

func TestConnectionsAndMessagesAreLimited(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	env["WS_MAX_CONNECTIONS_PER_USER"], env["WS_MAX_CONNECTIONS_PER_IP"], env["WS_RATE_LIMIT_MESSAGES"] = "2", "4", "3"
	s := startSystemIn(t, env)
	alice, bob := s.customer("alice"), s.customer("bob")
	first := alice.connectSocket()
	alice.connectSocket()
	third, _, err := alice.dialSocket()
	require.NoError(t, err)
	require.NoError(t, wsjson.Write(t.Context(), third, wsMessage{Type: "connection_init", Payload: json.RawMessage(`{"authorization":"Bearer ` + alice.token + `"}`)}))
	requireClosed(t, third, 4429)
	bob.connectSocket()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // a moment passes until the third is no longer counted
		_, _, err := bob.dialSocket()
		return err == nil, "it is still counted"
	})
	_, response, err := bob.dialSocket()
	require.Error(t, err)
	require.Equal(t, http.StatusTooManyRequests, response.StatusCode)

	for i := range 5 {
		require.NoError(t, wsjson.Write(t.Context(), first, wsMessage{ID: "1", Type: "subscribe", Payload: json.RawMessage(`{"query":"{ __typename }"}`)}))
		var m wsMessage
		require.NoError(t, wsjson.Read(t.Context(), first, &m))
		if i >= 3 {
			require.Equal(t, "error", m.Type)
			require.Contains(t, string(m.Payload), "RATE_LIMITED")
			continue
		}
		require.Equal(t, "next", m.Type)
		require.NoError(t, wsjson.Read(t.Context(), first, &m))
		require.Equal(t, "complete", m.Type)
	}
}
