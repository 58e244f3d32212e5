package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/request"
	"ticketing/graph/transport"
)

// The label of clients that give no name or one that is not known, and of operations that use nothing deprecated.
const (
	noClient        = "none"
	otherClient     = "other"
	nothingObsolete = "none"
)

// ourClients are the names of the clients in this repository.
var ourClients = []string{"ticketing-go", "ticketing-typescript"}

// usage counts operations by client, and what they use that is deprecated: it shows who must change before something is removed.
type usage struct {
	operations *prometheus.CounterVec
	clients    map[string]bool
	obsolete   bool // whether the schema has anything that is deprecated
}

// newUsage does not register the metric if registerer is nil.
func newUsage(registerer prometheus.Registerer, s *ast.Schema, clients []string) *usage {
	u := &usage{clients: map[string]bool{}, operations: promauto.With(registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "ticketing_graphql_client_operations_total",
		Help: "Operations, by the client that sent them and by the deprecated field or argument that they use.",
	}, []string{"client", "deprecated"})}
	deprecated := append(deprecatedIn(s), nothingObsolete)
	u.obsolete = len(deprecated) > 1
	for _, client := range slices.Concat(ourClients, clients, []string{noClient, otherClient}) {
		u.clients[client] = true
		for _, name := range deprecated { // so that they can be watched from the start
			u.operations.WithLabelValues(client, name)
		}
	}
	return u
}

// aroundOperation counts an operation before it is executed. Those that share an execution are counted when they join it.
func (u *usage) aroundOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if transport.SharedOf(ctx) == nil {
		u.countOperation(ctx, graphql.GetOperationContext(ctx).Operation)
	}
	return next(ctx)
}

func (u *usage) countOperation(ctx context.Context, operation *ast.OperationDefinition) {
	client := request.From(ctx).ClientName
	switch {
	case client == "":
		client = noClient
	case !u.clients[client]:
		client = otherClient
	}
	for _, name := range u.obsoleteIn(operation) {
		u.operations.WithLabelValues(client, name).Inc()
	}
}

// obsoleteIn returns what an operation uses that is deprecated, each once.
func (u *usage) obsoleteIn(operation *ast.OperationDefinition) []string {
	search := obsoleteSearch{fragments: map[*ast.FragmentDefinition]bool{}}
	if u.obsolete && operation != nil {
		search.visit(operation.SelectionSet)
	}
	if search.found == nil {
		return []string{nothingObsolete}
	}
	slices.Sort(search.found)
	return slices.Compact(search.found)
}

type obsoleteSearch struct {
	fragments map[*ast.FragmentDefinition]bool // those that were visited
	found     []string
}

func (s *obsoleteSearch) visit(selected ast.SelectionSet) {
	for _, selection := range selected {
		switch selection := selection.(type) {
		case *ast.Field:
			s.addField(selection)
			s.visit(selection.SelectionSet)
		case *ast.InlineFragment:
			s.visit(selection.SelectionSet)
		case *ast.FragmentSpread:
			if !s.fragments[selection.Definition] {
				s.fragments[selection.Definition] = true
				s.visit(selection.Definition.SelectionSet)
			}
		}
	}
}

func (s *obsoleteSearch) addField(field *ast.Field) {
	name := field.ObjectDefinition.Name + "." + field.Name
	if isDeprecated(field.Definition.Directives) {
		s.found = append(s.found, name)
	}
	for _, given := range field.Arguments {
		if argument := field.Definition.Arguments.ForName(given.Name); argument != nil && isDeprecated(argument.Directives) {
			s.found = append(s.found, name+"("+given.Name+":)")
		}
	}
}

func isDeprecated(directives ast.DirectiveList) bool { return directives.ForName("deprecated") != nil }

// deprecatedIn returns the fields and arguments of a schema that are deprecated.
func deprecatedIn(s *ast.Schema) (names []string) {
	for _, definition := range s.Types {
		for _, field := range definition.Fields {
			name := definition.Name + "." + field.Name
			if isDeprecated(field.Directives) {
				names = append(names, name)
			}
			for _, argument := range field.Arguments {
				if isDeprecated(argument.Directives) {
					names = append(names, name+"("+argument.Name+":)")
				}
			}
		}
	}
	return names
}
