package house

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// consumer is a function with a switch over the types of domain events.
type consumer struct {
	folder, function string
	aggregates       []string // whose domain events it gets
}

// consumers are the functions that get all domain events of their aggregates. Each has a case for each of them, if only an empty one: what
// a new domain event means to a consumer is decided, not forgotten.
var consumers = []consumer{
	{"command/event", "Evolve", []string{"event"}},
	{"command/inventory", "Evolve", []string{"inventory"}},
	{"command/inventory", "Revert", []string{"inventory"}},
	{"command/reservation", "Evolve", []string{"reservation"}},
	{"command/payment", "Evolve", []string{"payment"}},
	{"command", "reservationOutcome", []string{"reservation"}},
	{"command", "paymentOutcome", []string{"payment"}},
	{"command/saga", "foldReservation", []string{"reservation"}},
	{"command/saga", "foldPayment", []string{"payment"}},
	{"projector/availability", "apply", []string{"inventory"}},
	{"projector/customers", "applyReservation", []string{"reservation"}},
	{"projector/customers", "applyPayment", []string{"payment"}},
	{"projector/events", "Apply", []string{"event"}},
	{"projector/payments", "Apply", []string{"payment"}},
	{"projector/reservations", "Apply", []string{"reservation"}},
	{"projector/sales", "applyReservation", []string{"reservation"}},
	{"projector/sales", "applyPayment", []string{"payment"}},
}

// A consumer without a case for a domain event makes a dead letter of it, or passes over it in silence.
func TestEachConsumerHasACaseForEachDomainEvent(t *testing.T) {
	t.Parallel()
	files := productFiles(t)
	registered := registeredEvents(t, files)
	for _, c := range consumers {
		cases := casesOf(files, c)
		for _, aggregate := range c.aggregates {
			require.NotEmpty(t, registered[aggregate], aggregate)
			for _, domainEvent := range registered[aggregate] {
				if !cases[aggregate+"."+domainEvent] {
					t.Errorf("%s: %s has no case for %s.%s: handle it, or name it in an empty case", c.folder, c.function, aggregate, domainEvent)
				}
			}
		}
	}
}

// A projection that is not among the consumers would not be checked.
func TestEachProjectionIsAConsumer(t *testing.T) {
	t.Parallel()
	for _, file := range productFiles(t) {
		for _, function := range file.functions() {
			if function.Name.Name == "Categories" && function.Recv != nil {
				folder := path.Dir(file.path)
				require.True(t, slices.ContainsFunc(consumers, func(c consumer) bool { return c.folder == folder }), folder)
			}
		}
	}
}

// registeredEvents returns the types of the domain events in the catalog, by the package of their aggregate.
func registeredEvents(t *testing.T, files []goFile) map[string][]string {
	t.Helper()
	registered := map[string][]string{}
	for _, file := range files {
		if path.Dir(file.path) != "command/catalog" {
			continue
		}
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			generic, ok := node.(*ast.IndexExpr)
			if !ok {
				return true
			}
			if name := qualifiedName(generic.X, ""); name != "eventstore.Register" {
				return true
			}
			aggregate, domainEvent, _ := strings.Cut(qualifiedName(generic.Index, ""), ".")
			registered[aggregate] = append(registered[aggregate], domainEvent)
			return false
		})
	}
	require.Len(t, registered, 4, "%v", slices.Collect(maps.Keys(registered)))
	return registered
}

// casesOf returns the types in the cases of the consumer's type switches, and those that it asserts.
func casesOf(files []goFile, c consumer) map[string]bool {
	cases := map[string]bool{}
	add := func(expressions ...ast.Expr) {
		for _, expression := range expressions {
			cases[qualifiedName(expression, path.Base(c.folder))] = true
		}
	}
	for _, file := range files {
		for _, function := range file.functions() {
			if path.Dir(file.path) != c.folder || function.Name.Name != c.function {
				continue
			}
			ast.Inspect(function, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.CaseClause:
					add(node.List...)
				case *ast.TypeAssertExpr:
					add(node.Type)
				}
				return true
			})
		}
	}
	return cases
}

// qualifiedName returns a type's name with its package; own is the package of a name without one.
func qualifiedName(expression ast.Expr, own string) string {
	switch name := expression.(type) {
	case *ast.Ident:
		return own + "." + name.Name
	case *ast.SelectorExpr:
		if from, ok := name.X.(*ast.Ident); ok {
			return from.Name + "." + name.Sel.Name
		}
	}
	return ""
}
