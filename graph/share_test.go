package graph

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func TestOnlyWhatAllMaySeeIsShared(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]bool{
		`subscription { availability(eventId: "x") { id __typename ...e } } fragment e on Event { sections { available price { amount } } }`: true,
		`subscription { seatChanges(eventId: "x") { version changes { label status } } }`:                                                    true,
		`subscription { availability(eventId: "x") { id reservations { nodes { id } } } }`:                                                   false,
		`subscription { availability(eventId: "x") { ...e } } fragment e on Event { ... { payments { nodes { id } } } }`:                     false,
		`subscription { reservationStatus(id: "x") { id } }`:                                                                                 false,
	} {
		parsed, errs := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules())
		require.Empty(t, errs)
		require.Equal(t, want, areShared(parsed.Operations[0].SelectionSet), document)
	}
	for name, fields := range sharedFields {
		for _, field := range fields {
			require.NotNil(t, schema.Types[name].Fields.ForName(field), "%s.%s", name, field)
		}
	}
}

// Clients that go on after other versions share all that comes later, unless the version is for something else too.
func TestTheVersionOfAClientDoesNotPartItFromOthers(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]map[string]any{
		`subscription($id: ID!, $v: Int) { seatChanges(eventId: $id, sinceVersion: $v) { version } }`:                                                         {"id": "x"},
		`subscription($id: ID!, $v: Int!) { ...s @include(if: true) } fragment s on Subscription { seatChanges(eventId: $id, sinceVersion: $v) { version } }`: {"id": "x"},
		`subscription($id: ID!, $v: Int) { seatChanges(eventId: $id) { version } }`:                                                                           {"id": "x", "v": 7},
		`subscription($id: ID!, $v: Int) { seatChanges(eventId: $id, sinceVersion: 7) { version } }`:                                                          {"id": "x", "v": 7},
	} {
		parsed, err := parser.ParseQuery(&ast.Source{Input: document})
		require.NoError(t, err)
		oc := &graphql.OperationContext{RawQuery: document, Variables: map[string]any{"id": "x", "v": 7}, Doc: parsed, Operation: parsed.Operations[0]}
		field := graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Subscription"})[0].Field
		require.Equal(t, want, withoutVersion(oc, field), document)
	}
}
