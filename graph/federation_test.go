package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each reference is read alone: one that fails takes no other with it.
func TestReferencesAreReadUnderTheRulesOfNode(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	me, other := newUser(), newUser()
	event := a.addEvent(newUser(), "SALES_OPEN")
	mine, theirs := a.addReservation(event, me), a.addReservation(event, other)
	reference := func(typeName, id string) map[string]any { return map[string]any{"__typename": typeName, "id": id} }
	const query = `query($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Node { id } } }`
	got := a.do(query, vars{"of": []any{
		reference("Event", event.ID), reference("Reservation", theirs.ID), reference("Reservation", mine.ID),
		reference("Payment", event.ID), reference("Event", "nonsense"), map[string]any{"id": event.ID},
	}}, "Authorization", "Bearer "+a.signIn(me))
	require.Equal(t, []any{reference("Event", event.ID), nil, reference("Reservation", mine.ID), nil, nil, nil}, got.Data["_entities"])
	codes := map[any]any{}
	for _, err := range got.Errors {
		require.Equal(t, "_entities", err.Path[0])
		codes[err.Path[1]] = err.Extensions["code"]
	}
	require.Equal(t, map[any]any{1.0: "FORBIDDEN", 4.0: "BAD_USER_INPUT", 5.0: "BAD_USER_INPUT"}, codes)

	many := make([]any, 101)
	for i := range many {
		many[i] = reference("Event", event.ID)
	}
	require.Equal(t, "BAD_USER_INPUT", a.do(query, vars{"of": many}).code())
	require.Equal(t, many[:100], a.do(query, vars{"of": many[:100]}).Data["_entities"])
}
