package graph

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"ticketing/command/inventory"
	"ticketing/internal/id"
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
		if def.Kind == ast.Scalar && !isFederation(def.Name) {
			require.NotNil(t, def.Directives.ForName("specifiedBy"), def.Name)
		}
		for _, field := range def.Fields {
			if len(field.Name) < 2 || field.Name[:2] != "__" {
				require.NotEmpty(t, field.Description, "%s.%s", def.Name, field.Name)
			}
			for _, argument := range field.Arguments {
				require.NotEmpty(t, argument.Description, "%s.%s(%s:)", def.Name, field.Name, argument.Name)
			}
		}
		for _, value := range def.EnumValues {
			require.NotEmpty(t, value.Description, "%s.%s", def.Name, value.Name)
		}
	}
}

var update = flag.Bool("update", false, "write schema.graphql")

// make generate calls this test with -update.
func TestThePublishedSchemaIsFresh(t *testing.T) {
	t.Parallel()
	printed := printSchema()
	if *update {
		require.NoError(t, os.WriteFile("schema.graphql", []byte(printed), 0o644))
		return
	}
	require.Equal(t, printed, publishedSchema, "run make generate and commit")
	require.NotEmpty(t, gqlparser.MustLoadSchema(&ast.Source{Input: publishedSchema}).Types["Event"].Fields.ForName("sections").Directives.ForName("listSize"))

	w := httptest.NewRecorder()
	SchemaHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/schema.graphql", nil))
	require.Equal(t, publishedSchema, w.Body.String())
}

func TestTheOperationsOfTheGuideForModelsAreValid(t *testing.T) {
	t.Parallel()
	operations := regexp.MustCompile("`((?:query|mutation|subscription) .*?)`").FindAllStringSubmatch(guideForModels, -1)
	require.GreaterOrEqual(t, len(operations), 7)
	for _, operation := range operations {
		_, errs := gqlparser.LoadQueryWithRules(schema, operation[1], rules.NewDefaultRules())
		require.Empty(t, errs, operation[1])
	}
	w := httptest.NewRecorder()
	GuideHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/llms.txt", nil))
	require.Equal(t, guideForModels, w.Body.String())
}

func TestATokenWaitsForTheTablesThatAnOperationReads(t *testing.T) {
	t.Parallel()
	objects := map[string]bool{"events": true, "reservations": true, "payments": true}
	for document, want := range map[string]map[string]bool{
		`query($r: [_Any!]!) { _entities(representations: $r) { __typename } }`:             objects,
		`query($id: ID!) { node(id: $id) { id } }`:                                          objects,
		`query($id: ID!) { node(id: $id) { ...c } } fragment c on Customer { firstSeenAt }`: {"events": true, "reservations": true, "payments": true, "customers": true},
		`{ me { id } }`: {},
	} {
		parsed, errs := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules())
		require.Empty(t, errs)
		require.Equal(t, want, projectionsOf(&graphql.OperationContext{Operation: parsed.Operations[0]}), document)
	}
}

func TestEverySectionOfAnEventHasAnID(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, inventory.MostSections, id.MostSections)
}

func TestALongResponseIsRefusedAndCharged(t *testing.T) {
	t.Parallel()
	a := newAdmission(RateLimits{ReadsPerUser: 1_000, ReadsPerIP: 1_000_000}, nil)
	oc := &graphql.OperationContext{}
	refused := a.chargeResponse(t.Context(), oc, &graphql.Response{Data: make([]byte, mostBytes+1)}, 0)
	require.Empty(t, refused.Data)
	require.Equal(t, "COMPLEXITY_LIMIT_EXCEEDED", refused.Errors[0].Extensions["code"])
	require.Less(t, a.addresses.Take("invalid IP", 0).Left, 100_000)
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
