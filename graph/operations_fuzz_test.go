package graph

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"ticketing/graph/limits"
)

// FuzzOperations checks that any text and variables are either refused or an operation within the limits, and the same when they are sent
// again, when the document is known.
func FuzzOperations(f *testing.F) {
	for query, variables := range map[string]string{
		`{ events(first: 10) { nodes { id name sections { price { amount } } } } }`:                               `{}`,
		`query A($n: Int = 50) { me { reservations(first: $n) { nodes { id } } } }`:                               `{"n": 1.5}`,
		`mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } userErrors { code } } }`: `{"i":{"eventId":"evt_1","items":[{"section":"A","quantity":1}],"idempotencyKey":"k"}}`,
		`subscription { availability(eventId: "evt_1") { id } }`:                                                  `null`,
		`{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`:                                      `{}`,
		`{ a: __typename @skip(if: true) __schema { types { name } } }`:                                           `{}`,
		`query($a: [[Int!]!]! = [[1]], $b: ID @x) { event(id: $b) { id @include(if: $a) } }`:                      `{"b":[{}]}`,
	} {
		f.Add(query, []byte(variables))
	}
	exec := newExecutor(&Resolver{usage: newUsage(nil, schema, nil)}, slog.New(slog.DiscardHandler), false)
	check := func(t *testing.T, query string, variables []byte) int {
		t.Helper()
		var given map[string]any
		if json.Unmarshal(variables, &given) != nil {
			given = nil
		}
		ctx := graphql.StartOperationTrace(t.Context())
		oc, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: given})
		if len(errs) > 0 {
			require.NotEmpty(t, errs[0].Extensions["code"], "%v", errs)
			return -1
		}
		require.NotNil(t, oc.Operation)
		return limits.CostOf(oc).Requested
	}
	f.Fuzz(func(t *testing.T, query string, variables []byte) {
		cost := check(t, query, variables)
		require.Equal(t, cost, check(t, query, variables))
	})
}
