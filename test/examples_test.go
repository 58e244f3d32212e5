package test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
	"ticketing/internal/testenv"
)

// example is an operation of docs/examples.md.
type example struct{ caller, document, variables string }

var exampleForm = regexp.MustCompile("(?ms)^## [^\n]*\\((\\w+)\\)$|^```graphql\n(.*?)```\n(?:```json\n(.*?)```)?")

func readExamples(t *testing.T) (all []example) {
	t.Helper()
	text, err := os.ReadFile("../docs/examples.md")
	require.NoError(t, err)
	caller := ""
	for _, found := range exampleForm.FindAllStringSubmatch(string(text), -1) {
		if found[1] != "" {
			caller = found[1]
			continue
		}
		all = append(all, example{caller, found[2], found[3]})
	}
	require.Len(t, all, strings.Count(string(text), "```graphql"))
	return all
}

// readSchema returns the published schema.
func readSchema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../graph/schema.graphql")
	require.NoError(t, err)
	return gqlparser.MustLoadSchema(&ast.Source{Input: string(text)})
}

// exampleStage is where examples run. Each sees what the ones before changed.
type exampleStage struct {
	*system

	sessions map[string]string // tokens by caller
	last     *ticketing.Client
	known    map[string]string // ids by their prefix, and the token of a sign-in link without one
}

func startExampleStage(t *testing.T) *exampleStage {
	t.Helper()
	s := startSystem(t)
	s.customer("olga")
	st := &exampleStage{
		system: s, sessions: map[string]string{"admin": s.admin().token}, known: map[string]string{},
		last: ticketing.New(ticketing.Config{URL: s.url + "/graphql"}),
	}
	return st
}

// prepare brings about what an operation needs and no other example leaves.
func (st *exampleStage) prepare(field string) {
	ctx := st.t.Context()
	st.last = st.last.WithToken(st.sessions["admin"])
	switch field {
	case "retryRefund":
		testenv.Eventually(st.t, testenv.Patience, func() (bool, string) {
			var data struct {
				Payment struct{ Refunds []struct{ ID, Status string } }
			}
			err := st.last.Execute(ctx, ticketing.Operation{
				Document: `query($id: ID!) { payment(id: $id) { refunds { id status } } }`, Variables: vars{"id": st.known["pay_"]},
			}, &data)
			require.NoError(st.t, err)
			return len(data.Payment.Refunds) == 1 && data.Payment.Refunds[0].Status == "FAILED", "the refund is not refused yet"
		})
	case "completeEvent":
		created, err := api.CreateEvent(ctx, st.last, api.CreateEventInput{Name: "Matinee", Venue: "Town hall", StartsAt: st.clock.Now().Add(time.Hour)})
		require.NoError(st.t, err)
		st.known["evt_"] = created.CreateEvent.Event.Id
		_, err = api.AddInventory(ctx, st.last, api.AddInventoryInput{
			EventId: st.known["evt_"], Section: "Floor", Price: api.MoneyInput{Amount: "5.00", CurrencyCode: "EUR"}, Capacity: new(1),
		})
		require.NoError(st.t, err)
		_, err = api.PublishEvent(ctx, st.last, api.EventIDInput{EventId: st.known["evt_"]})
		require.NoError(st.t, err)
		st.clock.Move(2 * time.Hour)
	}
}

var placeholder = regexp.MustCompile(`"([a-z]{3}_|)…"`)

func (st *exampleStage) run(e example, operation *ast.OperationDefinition) {
	st.t.Helper()
	ctx, cancel := context.WithTimeout(st.t.Context(), testenv.Patience)
	defer cancel()
	variables := placeholder.ReplaceAllStringFunc(e.variables, func(text string) string {
		prefix := placeholder.FindStringSubmatch(text)[1]
		require.NotEmpty(st.t, st.known[prefix], "no example before had such an id:\n%s%s", e.document, e.variables)
		return `"` + st.known[prefix] + `"`
	})
	st.last = st.last.WithToken(st.sessions[e.caller])
	op := ticketing.Operation{Document: e.document, Variables: json.RawMessage(variables)}
	if e.variables == "" {
		op.Variables = nil
	}
	var data json.RawMessage
	var err error
	if operation.Operation == ast.Subscription {
		err = st.last.Subscribe(ctx, op, func(state json.RawMessage) error {
			data = state
			cancel()
			return nil
		})
	} else {
		err = st.last.Execute(ctx, op, &data)
	}
	require.NoError(st.t, err, "%s%s", e.document, variables)
	st.remember(operation, data)
}

// remember keeps what later examples need of a response: the first id of each kind, and tokens.
func (st *exampleStage) remember(operation *ast.OperationDefinition, data json.RawMessage) {
	st.t.Helper()
	var fields map[string]any
	require.NoError(st.t, json.Unmarshal(data, &fields))
	for _, selection := range operation.SelectionSet {
		name := selection.(*ast.Field).Name
		require.NotNil(st.t, fields[name], "%s is null", name)
		payload, _ := fields[name].(map[string]any)
		if operation.Operation == ast.Mutation {
			require.Contains(st.t, payload, "userErrors", "an example shows how %s is refused", name)
		}
		if token, ok := payload["token"].(string); ok {
			st.known[""] = token
		}
		if token, ok := payload["sessionToken"].(string); ok {
			st.sessions[map[bool]string{true: "guest", false: "customer"}[name == "startGuestSession"]] = token
		}
	}
	found := regexp.MustCompile(`"id":\s*"([a-z]{3}_)(\w+)"`).FindAllStringSubmatch(string(data), -1)
	for _, id := range slices.Backward(found) {
		st.known[id[1]] = id[1] + id[2]
	}
}

func TestEachOperationHasAnExampleThatRuns(t *testing.T) {
	t.Parallel()
	schema, st := readSchema(t), startExampleStage(t)
	shown := map[string]bool{}
	for _, e := range readExamples(t) {
		document, errs := gqlparser.LoadQueryWithRules(schema, e.document, rules.NewDefaultRules())
		require.Empty(t, errs, e.document)
		operation := document.Operations[0]
		for _, selection := range operation.SelectionSet {
			field := selection.(*ast.Field)
			shown[field.ObjectDefinition.Name+"."+field.Name] = true
			st.prepare(field.Name)
		}
		st.run(e, operation)
	}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, field := range root.Fields {
			require.True(t, shown[root.Name+"."+field.Name] || strings.HasPrefix(field.Name, "__"), "docs/examples.md has no example of %s.%s", root.Name, field.Name)
		}
	}
}
