package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func TestEveryRootFieldSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	require.Empty(t, unauthorizedFields(schema))
	forgetful := gqlparser.MustLoadSchema(&ast.Source{Input: `
		directive @auth(rule: String!) on FIELD_DEFINITION
		type Query { a: Int @auth(rule: "PUBLIC") b: Int }
		type Mutation { c: Int }
		type Subscription { d: Int @auth(rule: "PUBLIC") e: Int }
	`})
	require.Equal(t, []string{"Query.b", "Mutation.c", "Subscription.e"}, unauthorizedFields(forgetful))
}

// The schema is the public documentation: nothing of it goes without a word.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	for _, def := range schema.Types {
		if def.BuiltIn {
			continue
		}
		require.NotEmpty(t, def.Description, def.Name)
		for _, field := range def.Fields {
			if len(field.Name) < 2 || field.Name[:2] != "__" {
				require.NotEmpty(t, field.Description, "%s.%s", def.Name, field.Name)
			}
		}
		for _, value := range def.EnumValues {
			require.NotEmpty(t, value.Description, "%s.%s", def.Name, value.Name)
		}
	}
}

func TestInputsWithAKey(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]bool{
		"CreateEventInput": true, "ReserveSeatsInput": true, "CancelReservationInput": true, "ProcessPaymentInput": true, "ConfirmPaymentInput": true,
		"RefundPaymentInput": true,
	}, keyedInputs)
}
