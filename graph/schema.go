package graph

import (
	"context"
	"fmt"
	"maps"

	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/graph/apierror"
	"ticketing/graph/generated"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
)

// schema is the API's schema without @defer, which follows an old draft that clients misunderstand, and with descriptions of all arguments.
var schema = func() *ast.Schema {
	changed := *generated.NewExecutableSchema(generated.Config{}).Schema()
	changed.Directives = maps.Clone(changed.Directives)
	delete(changed.Directives, "defer")
	if open := unauthorizedFields(&changed); len(open) > 0 {
		panic(fmt.Sprintf("graph: no @auth on %v", open))
	}
	describeArguments(&changed)
	return &changed
}()

// keyedInputs are the inputs that have an idempotency key.
var keyedInputs = func() map[string]bool {
	keyed := map[string]bool{}
	for name, def := range schema.Types {
		if def.Kind == ast.InputObject && def.Fields.ForName("idempotencyKey") != nil {
			keyed[name] = true
		}
	}
	return keyed
}()

// nodeTypes are the types that implement Node, by the prefixes of their ids.
var nodeTypes = map[string]string{
	id.Event: "Event", id.Section: "Section", id.Reservation: "Reservation", id.TicketPrefix: "Ticket",
	id.Payment: "Payment", id.Refund: "Refund", id.Dispute: "Dispute", id.User: "User", id.Customer: "Customer",
}

// Node implements generated.QueryResolver. The field is public; of the types that it leads to, only events are. It may have no argument but the
// id (Global Object Identification): Relay's compiler refuses others.
func (r queryResolver) Node(ctx context.Context, nodeID string) (model.Node, error) {
	prefix := id.Prefix(nodeID)
	_, signedIn := auth.FromContext(ctx)
	switch {
	case nodeTypes[prefix] == "":
		return nil, apierror.New(apierror.BadUserInput, "id is not an id of this API")
	case prefix != id.Event && prefix != id.Section && !signedIn:
		return nil, errSignIn
	}
	switch prefix {
	case id.Event:
		return asNode(r.Event(ctx, nodeID, nil))
	case id.Section:
		return asNode(r.findSectionByID(ctx, nodeID))
	case id.Reservation:
		return asNode(r.Reservation(ctx, nodeID, nil))
	case id.TicketPrefix:
		return asNode(r.findTicket(ctx, nodeID))
	case id.Payment:
		return asNode(r.Payment(ctx, nodeID, nil))
	case id.Refund:
		return asNode(r.findRefund(ctx, nodeID))
	case id.Dispute:
		return asNode(r.findDispute(ctx, nodeID))
	case id.Customer:
		return asNode(r.findCustomer(ctx, nodeID))
	default:
		return asNode(findVisibleUser(ctx, nodeID))
	}
}

// asNode keeps a nil pointer from becoming a Node that is not nil.
func asNode[T any](value *T, err error) (model.Node, error) {
	if value == nil || err != nil {
		return nil, err
	}
	return value, nil
}
