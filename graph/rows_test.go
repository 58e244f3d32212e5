package graph_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"ticketing/command/inventory"
	"ticketing/internal/auth"
)

// docs/schema/rows.json lets programs check the rows of a hall before they send them: it accepts what addInventory does.
func TestTheSchemaOfRowsIsThatOfTheAPI(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../docs/schema/rows.json")
	require.NoError(t, err)
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("rows.json", document))
	schema, err := compiler.Compile("rows.json")
	require.NoError(t, err)

	a := newAPI(t)
	organizer := a.as(newUser(), auth.RoleOrganizer)
	eventID := a.openDraft(organizer)
	laidOut := func(x, y, rotation any) string {
		return fmt.Sprintf(`{"row": "A", "seats": 2, "layout": {"x": %v, "y": %v, "rotation": %v}}`, x, y, rotation)
	}
	const coordinate, rotation = inventory.MostCoordinate, inventory.MostRotation
	for i, c := range []struct {
		rows  string
		valid bool
	}{
		{`{"row": "A", "seats": 1}, {"row": "B", "seats": 1000}`, true},
		{`{"row": "A", "seats": 2, "firstNumber": 9999, "step": 100}`, true},
		{`{"row": "A", "seats": 2, "labels": ["1", "1A"]}`, true},
		{laidOut(-coordinate, coordinate, -rotation), true},
		{laidOut(coordinate, -coordinate, rotation), true},
		{laidOut(-12.25, 0.07, 22.5) + `, {"row": "B", "seats": 1, "layout": {"x": 1, "y": 2}}`, true},
		{laidOut(coordinate+0.01, 0, 0), false},
		{laidOut(-coordinate-0.01, 0, 0), false},
		{laidOut(0, coordinate+1, 0), false},
		{laidOut(0, 0, rotation+0.5), false},
		{laidOut(0, 0, -rotation-0.5), false},
		{laidOut(0, 0, 0) + `, {"row": "B", "seats": 1}`, false},
		{`{"row": "A", "seats": 2, "layout": {"x": 1}}`, false},
		{`{"row": "A", "seats": 2, "layout": {"x": 1, "y": 1, "z": 1}}`, false},
		{`{"row": "A", "seats": 0}`, false},
		{`{"row": "A", "seats": 1001}`, false},
		{`{"row": "", "seats": 1}`, false},
		{`{"row": "A", "seats": 1, "firstNumber": 10000}`, false},
		{`{"row": "A", "seats": 1, "step": 101}`, false},
		{`{"row": "A", "seats": 1, "step": 2, "labels": ["1"]}`, false},
		{`{"row": "A", "seats": 1, "labels": ["1-A"]}`, false},
		{`{"row": "A", "seats": 1, "labels": ["12345678901"]}`, false},
	} {
		var rows any
		require.NoError(t, json.Unmarshal([]byte("["+c.rows+"]"), &rows))
		require.Equal(t, c.valid, schema.Validate(rows) == nil, "the schema and %s", c.rows)
		got := a.do(`mutation($i: AddInventoryInput!) { addInventory(input: $i) { section { capacity } userErrors { code field } } }`, vars{"i": vars{
			"eventId": eventID, "section": fmt.Sprint("s", i), "price": vars{"amount": "1", "currencyCode": "EUR"}, "rows": rows,
		}}, organizer...)
		added := len(got.Errors) == 0 && got.field(t, "addInventory")["section"] != nil
		require.Equal(t, c.valid, added, "the API and %s: %s", c.rows, got.body)
	}
}
