package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/query"
)

func TestEveryRootFieldDeclaresWhoMayCallIt(t *testing.T) {
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

// The schema is the reference for clients.
func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
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

func TestTheseInputsHaveAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]bool{
		"CreateEventInput": true, "ReserveSeatsInput": true, "CancelReservationInput": true, "ProcessPaymentInput": true, "ConfirmPaymentInput": true,
		"CancelPaymentInput": true, "RetryRefundInput": true, "RefundPaymentInput": true,
	}, keyedInputs)
}

func TestAPositionIsTextSinceItOutgrowsInt(t *testing.T) {
	t.Parallel()
	position, err := partitionStatusResolver{}.Position(t.Context(), &query.PartitionStatus{Position: 1 << 50})
	require.NoError(t, err)
	require.Equal(t, "1125899906842624", position)
}
