package graph

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
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

// usage counts operations by client, what they select, and what of that is deprecated: it shows who must change before something is removed. An
// operation of a kept document costs one addition; what it selects is found out when the metrics are read. It is safe for concurrent use.
type usage struct {
	operations, fields *prometheus.Desc
	clients            []string       // the values of their label
	places             map[string]int // of clients

	mu             sync.RWMutex
	kept           map[*ast.OperationDefinition]clientCounts // of the documents that are kept
	selected, used totals                                    // of all others
}

// clientCounts has a count for each client.
type clientCounts []atomic.Uint64

// totals are counts for each client, by the name of a field, or of something that is deprecated.
type totals map[string][]uint64

func (t totals) clone() totals {
	cloned := make(totals, len(t))
	for name, counts := range t {
		cloned[name] = slices.Clone(counts)
	}
	return cloned
}

func (t totals) add(name string, counts []uint64) {
	if t[name] == nil {
		t[name] = make([]uint64, len(counts))
	}
	for i, n := range counts {
		t[name][i] += n
	}
}

// newUsage does not register the metrics if registerer is nil.
func newUsage(registerer prometheus.Registerer, s *ast.Schema, clients []string) *usage {
	u := &usage{
		operations: prometheus.NewDesc("ticketing_graphql_client_operations_total",
			"Operations, by the client that sent them and by the deprecated field or argument that they use.", []string{"client", "deprecated"}, nil),
		fields: prometheus.NewDesc("ticketing_graphql_field_operations_total",
			"Operations that select a field, by the field and by the client that sent them; without those that are zero.", []string{"client", "field"}, nil),
		places: map[string]int{}, kept: map[*ast.OperationDefinition]clientCounts{}, selected: totals{}, used: totals{},
	}
	for _, client := range slices.Concat(ourClients, clients, []string{noClient, otherClient}) {
		if _, listed := u.places[client]; !listed {
			u.places[client] = len(u.clients)
			u.clients = append(u.clients, client)
		}
	}
	for _, name := range append(deprecatedIn(s), nothingObsolete) { // so that they can be watched from the start
		u.used.add(name, make([]uint64, len(u.clients)))
	}
	if registerer != nil {
		registerer.MustRegister(u)
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
	place := u.placeOf(request.From(ctx).ClientName)
	if u.countKept(operation, place) {
		return
	}
	once := make([]uint64, len(u.clients))
	once[place] = 1
	u.mu.Lock()
	defer u.mu.Unlock()
	addSelected(u.selected, u.used, operation, once)
}

func (u *usage) placeOf(client string) int {
	if client == "" {
		client = noClient
	}
	place, known := u.places[client]
	if !known {
		return u.places[otherClient]
	}
	return place
}

func (u *usage) countKept(operation *ast.OperationDefinition, place int) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	counts := u.kept[operation]
	if counts == nil {
		return false
	}
	counts[place].Add(1)
	return true
}

// keep has the operations of a document counted with one addition each.
func (u *usage) keep(document *ast.QueryDocument) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, operation := range document.Operations {
		u.kept[operation] = make(clientCounts, len(u.clients))
	}
}

// forget adds what was counted of a document to the totals.
func (u *usage) forget(document *ast.QueryDocument) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, operation := range document.Operations {
		u.kept[operation].addTo(u.selected, u.used, operation)
		delete(u.kept, operation)
	}
}

func (c clientCounts) addTo(fields, used totals, operation *ast.OperationDefinition) {
	counts, sum := make([]uint64, len(c)), uint64(0)
	for i := range c {
		counts[i] = c[i].Load()
		sum += counts[i]
	}
	if sum > 0 {
		addSelected(fields, used, operation, counts)
	}
}

// Describe implements prometheus.Collector.
func (u *usage) Describe(descs chan<- *prometheus.Desc) {
	descs <- u.operations
	descs <- u.fields
}

// Collect implements prometheus.Collector.
func (u *usage) Collect(metrics chan<- prometheus.Metric) {
	fields, used := u.sum()
	for i, client := range u.clients {
		for name, counts := range used {
			metrics <- prometheus.MustNewConstMetric(u.operations, prometheus.CounterValue, float64(counts[i]), client, name)
		}
		for name, counts := range fields {
			if counts[i] > 0 {
				metrics <- prometheus.MustNewConstMetric(u.fields, prometheus.CounterValue, float64(counts[i]), client, name)
			}
		}
	}
}

func (u *usage) sum() (fields, used totals) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	fields, used = u.selected.clone(), u.used.clone()
	for operation, counts := range u.kept {
		counts.addTo(fields, used, operation)
	}
	return fields, used
}

// addSelected adds the counts of an operation to each field that it selects, and to what it uses that is deprecated.
func addSelected(fields, used totals, operation *ast.OperationDefinition, counts []uint64) {
	s := selection{fields: map[string]bool{}, deprecated: map[string]bool{}, fragments: map[*ast.FragmentDefinition]bool{}}
	s.visit(operation.SelectionSet)
	for name := range s.fields {
		fields.add(name, counts)
	}
	if len(s.deprecated) == 0 {
		s.deprecated[nothingObsolete] = true
	}
	for name := range s.deprecated {
		used.add(name, counts)
	}
}

// selection is what an operation selects, each once.
type selection struct {
	fields, deprecated map[string]bool
	fragments          map[*ast.FragmentDefinition]bool // those that were visited
}

func (s *selection) visit(selected ast.SelectionSet) {
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

func (s *selection) addField(field *ast.Field) {
	if isIntrospection(field.Name) || isIntrospection(field.ObjectDefinition.Name) {
		return
	}
	name := field.ObjectDefinition.Name + "." + field.Name
	s.fields[name] = true
	if isDeprecated(field.Definition.Directives) {
		s.deprecated[name] = true
	}
	for _, given := range field.Arguments {
		if argument := field.Definition.Arguments.ForName(given.Name); argument != nil && isDeprecated(argument.Directives) {
			s.deprecated[name+"("+given.Name+":)"] = true
		}
	}
}

func isIntrospection(name string) bool { return strings.HasPrefix(name, "__") }

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
