package graph

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"ticketing/graph/request"
)

// deprecations reads what @deprecated says at each field, argument, input field and enum value.
func deprecations(s *ast.Schema) map[string]string {
	reasons := map[string]string{}
	add := func(name string, directives ast.DirectiveList) {
		if d := directives.ForName("deprecated"); d != nil {
			reasons[name] = ""
			if reason := d.Arguments.ForName("reason"); reason != nil {
				reasons[name] = reason.Value.Raw
			}
		}
	}
	for _, definition := range s.Types {
		for _, field := range definition.Fields {
			name := definition.Name + "." + field.Name
			add(name, field.Directives)
			for _, argument := range field.Arguments {
				add(name+"("+argument.Name+":)", argument.Directives)
			}
		}
		for _, value := range definition.EnumValues {
			add(definition.Name+"."+value.Name, value.Directives)
		}
	}
	return reasons
}

var deprecationForm = regexp.MustCompile(`^Since (\d{4}-\d{2}-\d{2}), until (\d{4}-\d{2}-\d{2}): .{10,}\.$`)

// checkDeprecation holds the policy of docs/api.md.
func checkDeprecation(reason string) error {
	parts := deprecationForm.FindStringSubmatch(reason)
	if parts == nil {
		return fmt.Errorf("%q does not match %s", reason, deprecationForm)
	}
	since, err := time.Parse(time.DateOnly, parts[1])
	if err != nil {
		return err
	}
	until, err := time.Parse(time.DateOnly, parts[2])
	if err == nil && until.Before(since.AddDate(1, 0, 0)) {
		err = fmt.Errorf("%s is less than 12 months after %s", parts[2], parts[1])
	}
	return err
}

func TestWhatIsDeprecatedSaysUntilWhenAndWhatToUse(t *testing.T) {
	t.Parallel()
	for name, reason := range deprecations(schema) {
		require.NoError(t, checkDeprecation(reason), name)
	}
	sample := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query {
		good: Int @deprecated(reason: "Since 2026-12-01, until 2027-12-01: use better.")
		plain: Int @deprecated
		early(argument: Int @deprecated(reason: "Since 2026-12-01, until 2027-11-30: leave it out.")): Value
	}
	enum Value { A B @deprecated(reason: "Use A.") }`})
	found := deprecations(sample)
	require.Len(t, found, 4)
	require.NoError(t, checkDeprecation(found["Query.good"]))
	for _, name := range []string{"Query.plain", "Query.early(argument:)", "Value.B"} {
		require.Error(t, checkDeprecation(found[name]), name)
	}
}

func TestEveryReleaseHasItsSchema(t *testing.T) {
	t.Parallel()
	changes, err := os.ReadFile("../CHANGELOG.md")
	require.NoError(t, err)
	releases := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindAllSubmatch(changes, -1)
	require.NotEmpty(t, releases)
	for _, release := range releases {
		text, err := os.ReadFile("../docs/schema/v" + string(release[1]) + ".graphql")
		require.NoError(t, err)
		_, err = gqlparser.LoadSchema(&ast.Source{Input: string(text)})
		require.NoError(t, err)
	}
}

func TestUseOfDeprecatedFieldsIsCountedByClient(t *testing.T) {
	t.Parallel()
	sample := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { old(how: Int @deprecated): Query @deprecated, new: Query }`})
	registry := prometheus.NewRegistry()
	u := newUsage(registry, sample, []string{"box-office"})
	count := func(client, query string) {
		doc, errs := gqlparser.LoadQueryWithRules(sample, query, rules.NewDefaultRules())
		require.Empty(t, errs)
		ctx := graphql.WithOperationContext(request.With(t.Context(), request.Info{ClientName: client}), &graphql.OperationContext{Operation: doc.Operations[0]})
		u.aroundOperation(ctx, func(ctx context.Context) graphql.ResponseHandler { return nil })
	}
	count("box-office", `{ new { ... on Query { ...f } a: old { __typename } } } fragment f on Query { old(how: 1) { __typename } }`)
	count("ticketing-go", `{ new { __typename } }`)
	count("", `{ old { __typename } }`)
	count("an unknown name", `{ new { __typename } }`)
	for labels, want := range map[[2]string]float64{
		{"box-office", "Query.old"}: 1, {"box-office", "Query.old(how:)"}: 1, {"box-office", "none"}: 0,
		{"ticketing-go", "none"}: 1, {"none", "Query.old"}: 1, {"other", "none"}: 1, {"other", "Query.old"}: 0,
	} {
		var counted dto.Metric
		require.NoError(t, u.operations.WithLabelValues(labels[:]...).Write(&counted))
		require.InDelta(t, want, counted.GetCounter().GetValue(), 0, "%v", labels)
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, families[0].GetMetric(), 5*3, "names that are not known are no labels")
}
