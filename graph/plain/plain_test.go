package plain

import (
	"bytes"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
)

func FuzzTextsAreWrittenAsGqlgenWritesThem(f *testing.F) {
	for _, text := range []string{"", "plain", `"\`, "\x00\t\r\n\x1f", "Grüße 🎟", "\xff\xfe", "</script>\u2028"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want strings.Builder
		graphql.MarshalString(text).MarshalGQL(&want)
		require.Equal(t, want.String(), string(AppendString(nil, text)))
	})
}

type pair struct {
	left  string
	right *pair
}

var pairs = newPairs()

func newPairs() *Type[pair] {
	t := &Type[pair]{Name: "Pair", Implementors: []string{"Pair"}}
	t.Fields = []Field[pair]{
		{Name: "left", Append: func(b []byte, obj *pair, _ *Plan) []byte { return AppendString(b, obj.left) }},
		{Name: "right", Of: t, Append: func(b []byte, obj *pair, p *Plan) []byte { return AppendRequiredObject(b, t, p, obj.right) }},
		{Name: "worse", Append: func([]byte, *pair, *Plan) []byte { panic("worse") }},
	}
	return t
}

func TestWhatGqlgenHasToReportIsLeftToIt(t *testing.T) {
	left, worse, slow := selected("left"), selected("worse"), selected("slow")
	right := selected("right")
	right.SelectionSet = ast.SelectionSet{left}
	for name, sel := range map[string]ast.SelectionSet{"null": {left, right}, "panic": {left, worse}, "both": {slow, worse}} {
		var plans Plans
		whole, rest := Begin(t.Context(), &plans, &graphql.OperationContext{}, pairs, sel, &pair{left: "a"})
		require.Nil(t, whole, name)
		require.False(t, rest.IsPlain(0) || rest.IsPlain(1), name)
	}
}

func TestOnlyFieldsThatAreNotPlainAreResolved(t *testing.T) {
	var plans Plans
	right := selected("right")
	right.SelectionSet = ast.SelectionSet{selected("left")}
	sel := ast.SelectionSet{selected("slow"), selected("left"), right, selected("slower"), selected("__typename")}
	whole, rest := Begin(t.Context(), &plans, &graphql.OperationContext{}, pairs, sel, &pair{"a", &pair{left: "b"}})
	require.Nil(t, whole)
	for i := range rest.Fields {
		if !rest.IsPlain(i) {
			rest.Values[i] = graphql.MarshalInt(i)
		}
	}
	var written bytes.Buffer
	rest.MarshalGQL(&written)
	//nolint:testifylint // the order of the query is promised
	require.Equal(t, []byte(`{"slow":0,"left":"a","right":{"left":"b"},"slower":3,"__typename":"Pair"}`), written.Bytes())
}

func selected(name string) *ast.Field {
	return &ast.Field{Name: name, Alias: name, ObjectDefinition: &ast.Definition{Name: "Pair"}}
}
