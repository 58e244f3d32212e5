package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/ratelimit"
)

func TestTheSeatsThatAnOrganizerAddsInADayAreBounded(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *graph.Config) { c.RateLimits.Seats = ratelimit.Seats(3) })
	organizer := a.as(newUser(), auth.RoleOrganizer)
	eventID := a.openDraft(organizer)
	refused := func(got response, mutation string) any {
		t.Helper()
		if errs := got.field(t, mutation)["userErrors"].([]any); len(errs) > 0 {
			return errs[0]
		}
		return nil
	}
	add := func(section string, seats int, by []string) any {
		t.Helper()
		return refused(a.do(`mutation($i: AddInventoryInput!) { addInventory(input: $i) { section { capacity } userErrors { code field } } }`, vars{"i": vars{
			"eventId": eventID, "section": section, "price": vars{"amount": "1", "currencyCode": "EUR"}, "rows": []vars{{"row": "A", "seats": seats}},
		}}, by...), "addInventory")
	}
	limit := map[string]any{"code": "LIMIT_EXCEEDED", "field": []any{"rows"}}
	require.Nil(t, add("first", 101, organizer), "which counts as two hundred")
	require.Equal(t, limit, add("second", 101, organizer))
	require.Nil(t, add("third", 100, organizer))
	require.Equal(t, limit, add("fourth", 1, organizer))
	const update = `mutation($e: ID!) { updateSection(input: {eventId: $e, section: "first", rows: [{row: "B", seats: 1}]}) { userErrors { code field } } }`
	require.Equal(t, limit, refused(a.do(update, vars{"e": eventID}, organizer...), "updateSection"))
	require.Nil(t, refused(a.do(update, vars{"e": eventID}, a.as(newUser(), auth.RoleAdmin)...), "updateSection"))
}
