package graph_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/generated"
	"ticketing/graph/plain"
	"ticketing/internal/auth"
)

func TestPlainFieldsAreWrittenAsGqlgenWritesThem(t *testing.T) {
	t.Parallel()
	const operations = 30 // of each viewer
	a := newReadAPI(t)
	withoutPlain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.server.ServeHTTP(w, r.WithContext(plain.Without(r.Context())))
	}))
	t.Cleanup(withoutPlain.Close)
	customer := newUser()
	roots := a.addAll(customer)
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for name, header := range map[string][]string{
		"anonymous": nil, "customer": a.as(customer), "admin": a.as(newUser(), auth.RoleAdmin),
	} {
		t.Run(name, func(t *testing.T) {
			complete := 0
			for seed := range uint64(operations) {
				g := operationMaker{schema: schema, random: rand.New(rand.NewPCG(seed, 0)), left: 60}
				operation := g.operation(roots)
				mine, gqlgens := a.with(t, a.url).do(operation, vars{"yes": true, "no": false}, header...), a.with(t, withoutPlain.URL).do(operation, vars{"yes": true, "no": false}, header...)
				data, errs := partsOf(t, mine)
				wantedData, wantedErrs := partsOf(t, gqlgens)
				require.Equal(t, wantedData, data, operation)
				require.Equal(t, wantedErrs, errs, operation)
				if len(errs) == 0 {
					complete++
				}
			}
			require.Greater(t, complete, operations/10, "of these responses are complete")
		})
	}
}

// with returns the API at another address.
func (a *api) with(t *testing.T, url string) *api {
	t.Helper()
	other := *a
	other.t, other.url = t, url
	return &other
}

// partsOf returns the data of a response as they were sent, and the errors, which come in any order.
func partsOf(t *testing.T, r response) (data string, errs []string) {
	t.Helper()
	var parts struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &parts), r.body)
	for _, err := range parts.Errors {
		errs = append(errs, string(err))
	}
	slices.Sort(errs)
	return string(parts.Data), errs
}

// addAll puts something of each kind on the read side, and returns root fields that find it.
func (a *api) addAll(customer string) (roots []string) {
	a.t.Helper()
	organizer := newUser()
	e, draft := a.addEvent(organizer, "SALES_OPEN"), a.addEvent(organizer, "DRAFT")
	a.exec(`UPDATE events SET name = $2, venue = $3, description = $4, sales_open_at = now(), max_tickets_per_customer = 3 WHERE id = $1`,
		e.ID, `"Night" \ Grüße 🎟`, "tab\tand\nline", "\x01\x1f\u2028</script>")
	a.exec(`INSERT INTO inventories VALUES ($1, 7)`, e.ID)
	a.exec(`INSERT INTO sections SELECT $1, 'Block ' || i, i, 100 * i, (ARRAY['EUR', 'JPY', 'BHD'])[i + 1], i = 1, 6, 6, 0, 0 FROM generate_series(0, 2) i`, e.ID)
	a.exec(`INSERT INTO seats SELECT $1, 'Block 1', 'A-' || j, j, 'AVAILABLE' FROM generate_series(1, 6) j`, e.ID)
	for _, of := range []string{e.ID, draft.ID, e.ID} {
		r := a.addReservation(e, customer)
		a.exec(`UPDATE reservations SET event_id = $2, completed_at = CASE WHEN $3 THEN now() END,
			seats = seats || '[{"section": "Block 1", "label": "A-1", "price": {"minor": 1, "currency": "BHD"}, "void": true}]' WHERE id = $1`, r.ID, of, of == e.ID)
		p := a.addPayment(r)
		roots = append(roots, fmt.Sprintf("reservation(id: %q)", r.ID), fmt.Sprintf("payment(id: %q)", p.ID), fmt.Sprintf("node(id: %q)", r.ID), fmt.Sprintf("node(id: %q)", p.ID))
	}
	return append(roots, "me", "events(first: 3)", "reservations(first: 3)", "payments(first: 3)", "users(first: 2)",
		fmt.Sprintf("event(id: %q)", e.ID), fmt.Sprintf("event(id: %q)", draft.ID), fmt.Sprintf("node(id: %q)", e.ID))
}

// operationMaker makes operations of all that a schema has.
type operationMaker struct {
	schema *ast.Schema
	random *rand.Rand
	left   int // fields
}

func (g *operationMaker) operation(roots []string) string {
	root := roots[g.random.IntN(len(roots))]
	name, _, _ := strings.Cut(root, "(")
	of := g.schema.Query.Fields.ForName(name).Type.Name()
	return fmt.Sprintf("query($yes: Boolean!, $no: Boolean!) { %s %s again: __typename @skip(if: $no) @include(if: $yes) }", root, g.selection(g.schema.Types[of], 0))
}

// selection selects some fields of a type, some of them several times and in fragments.
func (g *operationMaker) selection(of *ast.Definition, depth int) string {
	const deepest = 6
	selected := []string{"__typename"}
	if of.IsAbstractType() {
		for _, possible := range g.schema.GetPossibleTypes(of) {
			selected = append(selected, "... on "+possible.Name+" "+g.selection(possible, depth+1))
		}
		return "{ " + strings.Join(selected, " ") + " }"
	}
	for range 2 + g.random.IntN(6) {
		field := of.Fields[g.random.IntN(len(of.Fields))]
		inner := g.schema.Types[field.Type.Name()]
		if g.left--; g.left < 0 || strings.HasPrefix(field.Name, "__") || !inner.IsLeafType() && depth == deepest {
			continue
		}
		text := field.Name
		if field.Arguments.ForName("first") != nil {
			text += "(first: 2)"
		} else if slices.ContainsFunc(field.Arguments, func(a *ast.ArgumentDefinition) bool { return a.Type.NonNull && a.DefaultValue == nil }) {
			continue
		}
		selected = append(selected, g.decorate(of, g.alias(field, text), g.children(inner, depth)))
	}
	return "{ " + strings.Join(selected, " ") + " }"
}

func (g *operationMaker) children(of *ast.Definition, depth int) string {
	if of.IsLeafType() {
		return ""
	}
	return g.selection(of, depth+1)
}

// alias gives a field a name of its own, as fields of one name must have the same arguments and types.
func (g *operationMaker) alias(field *ast.FieldDefinition, text string) string {
	if g.random.IntN(3) > 0 {
		return text
	}
	return field.Name + field.Type.Name() + "_: " + text
}

func (g *operationMaker) decorate(of *ast.Definition, field, children string) string {
	switch g.random.IntN(8) {
	case 0:
		return field + " @skip(if: $yes) " + children
	case 1:
		return field + " @include(if: $yes) " + children
	case 2:
		return "... on " + of.Name + " { " + field + " " + children + " }"
	case 3:
		return "... @include(if: $no) { " + field + " " + children + " } " + field + " " + children
	}
	return field + " " + children
}
