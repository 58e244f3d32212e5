package graph

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// publishedSchema is what printSchema returns; make generate writes it.
//
//go:embed schema.graphql
var publishedSchema string

// printSchema returns the schema in the schema definition language, with its directives, in the order of names.
func printSchema() string {
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(schema)
	return b.String()
}

// guideForModels is the API on one page, for language models and the people who use them (https://llmstxt.org).
//
//go:embed llms.txt
var guideForModels string

// SchemaHandler serves the published schema, in production too: it is no secret, and clients are generated from it.
func SchemaHandler() http.Handler { return publicText("application/graphql", publishedSchema) }

// GuideHandler serves the API on one page, for language models.
func GuideHandler() http.Handler { return publicText("text/plain", guideForModels) }

func publicText(mediaType, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write([]byte(text)) // the client has left if this fails
	})
}

// argumentDescriptions say what an argument means that has the same name and meaning at every field.
var argumentDescriptions = map[string]string{
	"input":        "What to do; each of its fields is described there.",
	"id":           "Its id.",
	"eventId":      "The event.",
	"sinceVersion": "The version of the last message that the client has; changes of up to 1,000 versions are kept, else all sections are in `reload`.",
	"minVersion":   "The version that a mutation returned: the query waits until the read side has it, up to two seconds, then fails with READ_BEHIND.",
	"filter":       "Which elements to list. Without it, all that the viewer may see.",
	"first":        "How many elements from the beginning, or from `after` on: 0 to 100. 20 when neither `first` nor `last` is given.",
	"last":         "How many elements from the end, or from `before` backwards: 0 to 100. It excludes `first`.",
	"after":        "A cursor of the same list in the same order: only elements behind it.",
	"before":       "A cursor of the same list in the same order: only elements in front of it.",
	"orderBy":      "In which order. Without it, the newest first.",

	"name":         "The section's name.",
	"stream":       "Which history of the event: its own, or that of its sections and seats.",
	"currencyCode": "The currency, ISO 4217.",
	"from":         "The first day; without it, the first with sales.",
	"until":        "The last day; without it, the last with sales.",
}

// describeArguments describes the arguments that have no description of their own.
func describeArguments(s *ast.Schema) {
	for _, definition := range s.Types {
		for _, field := range definition.Fields {
			for _, argument := range field.Arguments {
				if argument.Description == "" {
					argument.Description = argumentDescriptions[argument.Name]
				}
			}
		}
	}
}
