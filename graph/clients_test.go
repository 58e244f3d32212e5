package graph_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/testenv"
)

// runNode runs a script of graph/clients, which uses audits and client libraries of others.
func runNode(t *testing.T, script string, args ...string) string {
	t.Helper()
	needClients(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*testenv.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{script}, args...)...)
	cmd.Dir = "clients"
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// needClients skips a test where they are not installed.
func needClients(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("clients/node_modules"); err != nil {
		require.Empty(t, os.Getenv("CI"), "nothing may be skipped in CI")
		t.Skip("run `npm ci` in graph/clients to test with the clients of others")
	}
}

func TestTheClientsOfOthersFollowAReservation(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ws", "sse"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			needClients(t) // before anything runs beside it
			a := newReadAPI(t)
			me := newUser()
			r := a.addReservation(a.addEvent(newUser(), "SALES_OPEN"), me)
			token := a.signIn(me)
			moved := make(chan struct{})
			go func() {
				defer close(moved)
				for a.queries.count("name: ReservationsByID") == 0 && t.Context().Err() == nil {
					time.Sleep(time.Millisecond) // until it is watched
				}
				a.announceReservation(r, 2, "COMPLETED")
			}()
			out := runNode(t, "subscribe.mjs", kind, a.url, token, r.ID, "COMPLETED")
			<-moved
			require.Contains(t, out, `{"data":{"reservationStatus":{"version":2,"status":"COMPLETED"}}}`)
			require.Contains(t, out, "GRAPHQL_VALIDATION_FAILED")
		})
	}
}

func TestAGatewayJoinsTheAPIWithAnother(t *testing.T) {
	t.Parallel()
	needClients(t)
	a := newReadAPI(t, inProduction)
	event := a.addEvent(newUser(), "SALES_OPEN")
	out := runNode(t, "federate.mjs", a.url, event.ID, a.signIn(newUser(), auth.RoleAdmin))
	require.Contains(t, out, "for strangers: the schema is at /schema.graphql; only admins read _service")
	review := `"review":"a review of ` + event.ID + `"}`
	require.Contains(t, out, `from tickets: {"event":{"name":"`+event.Name+`",`+review)
	require.Contains(t, out, `from reviews: {"latestReviewed":{"name":"`+event.Name+`",`+review)
}

// The schema of the last release is the newest by its numbers, and docs/schema/README.md says what may break.
func TestWhatBreaksClientsIsListed(t *testing.T) {
	t.Parallel()
	require.Contains(t, runNode(t, "breaking.mjs", "../../docs/schema", "../schema.graphql"), " 0 of these unexpected")
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("v0.9.0.graphql", "type Query { gone: Int }")
	write("v0.10.0.graphql", "type Query { kept: Int announced: Int }")
	write("README.md", "| `Query.announced` | it was announced |\n")
	require.Contains(t, runNode(t, "breaking.mjs", folder, write("more", "type Query { kept: Int more: Int }")), "2 changes since v0.10.0.graphql, 1 of them")

	for schema, want := range map[string]string{
		"type Query { more: Int }":                "breaks clients: Query.kept: Field 'kept' was removed",
		"type Query { kept: Int announced: Int }": "does not break clients: Query.announced",
	} {
		refused := exec.CommandContext(t.Context(), "node", "breaking.mjs", folder, write("now", schema))
		refused.Dir = "clients"
		out, err := refused.Output()
		require.Error(t, err, "%s", out)
		require.Contains(t, string(out), want)
	}
}

func TestTheAuditsOfGraphQLOverHTTPPass(t *testing.T) {
	t.Parallel()
	require.Contains(t, runNode(t, "audit.mjs", newBareAPI(t).url), "61 of 61 audits pass")
}
