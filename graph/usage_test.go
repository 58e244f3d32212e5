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

// counted returns the metrics that are not zero, by name and labels.
func counted(t *testing.T, registry *prometheus.Registry) (counts map[string]float64, series int) {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	counts = map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			series++
			if value := metric.GetCounter().GetValue(); value > 0 {
				counts[metric.GetLabel()[0].GetValue()+" "+metric.GetLabel()[1].GetValue()] = value
			}
		}
	}
	return counts, series
}

func TestWhatClientsUseIsCounted(t *testing.T) {
	t.Parallel()
	sample := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { old(how: Int @deprecated): Query @deprecated, new: Query }`})
	registry := prometheus.NewRegistry()
	u := newUsage(registry, sample, []string{"box-office", "ticketing-go"})
	cache := newDocumentCache(u)
	parse := func(query string) *ast.QueryDocument {
		doc, errs := gqlparser.LoadQueryWithRules(sample, query, rules.NewDefaultRules())
		require.Empty(t, errs)
		return doc
	}
	count := func(client string, doc *ast.QueryDocument) {
		ctx := graphql.WithOperationContext(request.With(t.Context(), request.Info{ClientName: client}), &graphql.OperationContext{Operation: doc.Operations[0]})
		u.aroundOperation(ctx, func(context.Context) graphql.ResponseHandler { return nil })
	}
	const text = `{ new { ... on Query { ...f } a: old { __typename } } } fragment f on Query { old(how: 1) { __typename } }`
	kept, again, unkept := parse(text), parse(text), parse(`{ new { new { __typename } } __schema { description } }`)
	cache.Add(t.Context(), text, kept)
	cache.Add(t.Context(), text, again) // parsed at the same time
	for _, doc := range []*ast.QueryDocument{kept, kept, again} {
		count("box-office", doc)
	}
	for _, client := range []string{"ticketing-go", "", "an unknown name"} {
		count(client, unkept)
	}
	want := map[string]float64{
		"box-office Query.old": 3, "box-office Query.old(how:)": 3, "ticketing-go none": 1, "none none": 1, "other none": 1, // of both metrics, as follows
		"box-office Query.new": 3, "ticketing-go Query.new": 1, "none Query.new": 1, "other Query.new": 1,
	}
	got, series := counted(t, registry)
	require.Equal(t, want, got)
	require.Equal(t, 5*3+5, series, "all that is deprecated is there from the start, for five clients; names that are not known are no labels")

	require.Len(t, u.kept, 1)
	for i := range keptDocuments {
		text := fmt.Sprintf("{ new { __typename } } # %d", i)
		cache.Add(t.Context(), text, parse(text))
	}
	require.False(t, cache.has(t.Context(), text))
	require.Len(t, u.kept, keptDocuments, "no more than the cache has")
	got, _ = counted(t, registry)
	require.Equal(t, want, got, "what was counted of a document outlives it")
}
