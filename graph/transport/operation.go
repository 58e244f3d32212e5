package transport

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/internal/overload"
	"ticketing/internal/telemetry"
)

// withRemoteSpan continues the trace of the request's traceparent, unless a middleware has done so.
func withRemoteSpan(r *http.Request) context.Context {
	if trace.SpanContextFromContext(r.Context()).IsValid() {
		return r.Context()
	}
	return otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
}

// operation is an operation that passed all checks. It has a span, and writes one line to the log when it ends.
type operation struct {
	ctx       context.Context
	oc        *graphql.OperationContext // nil once the operation is executed elsewhere, for several clients
	kind      ast.Operation
	name      string // shortened: clients choose it
	fields    string // its root fields
	exec      graphql.GraphExecutor
	responses graphql.ResponseHandler
	states    <-chan State // of a subscription
	state     State        // of the last response
	span      trace.Span
	logger    *slog.Logger
	metrics   *metrics
	began     time.Time
	sent      atomic.Int64
	failed    int
	code      string // of the first error
	rejection *request.Rejection
	delivery  *telemetry.Delivery // nil: no frame of the subscription is traced
}

// prepareOperation parses and checks an operation. When something is wrong with it, nothing is executed.
func (h *Handler) prepareOperation(ctx context.Context, params *operationParams) (*operation, gqlerror.List) {
	began := time.Now()
	ctx, span := telemetry.StartRoot(graphql.StartOperationTrace(ctx), "graphql", trace.WithSpanKind(trace.SpanKindServer))
	exec := h.host.Executor(ctx)
	if SharedOf(ctx) == nil { // its first client's document was checked, with the client's rights
		var err error
		if params.Query, err = h.host.Document(ctx, params.documentID, params.Query); err != nil {
			return nil, h.refuseOperation(ctx, span, began, presentErrors(apierror.From(err)))
		}
	}
	raw := params.RawParams
	oc, errs := exec.CreateOperationContext(ctx, &raw)
	if len(errs) > 0 {
		refused := exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs).Errors
		return nil, h.refuseOperation(ctx, span, began, refused)
	}
	op := &operation{oc: oc, exec: exec, span: span, logger: h.cfg.Logger, metrics: h.metrics, began: began, code: "ok"}
	op.ctx, op.rejection = request.WithRejection(ctx)
	op.kind, op.name = oc.Operation.Operation, oc.Operation.Name[:min(len(oc.Operation.Name), longestName)]
	op.fields = rootFields(oc.Operation)
	if op.kind == ast.Subscription {
		op.metrics.subscriptions.Inc() // until it is finished
		op.ctx, op.delivery = telemetry.WithDelivery(op.ctx)
	}
	if span.IsRecording() {
		span.SetName("graphql " + string(op.kind))
		span.SetAttributes(attribute.String("graphql.operation.type", string(op.kind)), attribute.String("graphql.operation.name", op.name))
	}
	return op, nil
}

// refuseOperation counts and logs an operation that is not executed. Its errors' messages may repeat what the client sent.
func (h *Handler) refuseOperation(ctx context.Context, span trace.Span, began time.Time, errs gqlerror.List) gqlerror.List {
	code := codeOf(errs[0])
	span.SetAttributes(attribute.String("graphql.error", code))
	span.End()
	h.metrics.countRefused(code)
	h.cfg.Logger.InfoContext(ctx, "operation refused", "outcome", code, "took", time.Since(began))
	return errs
}

const longestName = 100 // bytes of an operation's name in the log

// rootFields returns the names of an operation's root fields, which are of the schema, the first few.
func rootFields(op *ast.OperationDefinition) string {
	const most = 5
	var names []string
	for _, selection := range op.SelectionSet {
		if field, ok := selection.(*ast.Field); ok && len(names) < most {
			names = append(names, field.Name)
		}
	}
	return strings.Join(names, ",")
}

// outcome returns the code of the first error, else of the first rejection of a mutation, else "ok".
func (op *operation) outcome() string {
	if op.code == "ok" {
		return cmp.Or(op.rejection.Code(), op.code)
	}
	return op.code
}

// firstResponse executes the operation up to its first response. It has no place any more then: a client may take its time to read.
func (op *operation) firstResponse() *graphql.Response {
	if op.kind == ast.Subscription {
		op.ctx, op.states = withStates(op.ctx)
	}
	op.responses, op.ctx = op.exec.DispatchOperation(op.ctx, op.oc)
	if op.kind == ast.Subscription {
		overload.Leave(op.ctx) // it waits from now on, for hours
	}
	defer overload.Leave(op.ctx)
	return op.nextResponse()
}

// nextResponse returns nil after the last response.
func (op *operation) nextResponse() *graphql.Response {
	r := op.responses(op.ctx)
	select {
	case op.state = <-op.states:
	default:
		op.state = State{}
	}
	if r != nil {
		op.sent.Add(1)
		if op.failed == 0 && len(r.Errors) > 0 {
			op.code = codeOf(r.Errors[0])
		}
		op.failed += len(r.Errors)
	}
	return r
}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

// finish ends the span and writes the operation's line to the log, without its variables.
func (op *operation) finish() {
	if op.span.IsRecording() {
		op.span.SetAttributes(attribute.Int64("graphql.responses", op.sent.Load()), attribute.Int("graphql.errors", op.failed), attribute.String("outcome", op.outcome()))
	}
	op.span.End()
	if op.kind == ast.Subscription {
		op.metrics.subscriptions.Dec()
	}
	op.metrics.countEnded(string(op.kind), op.code, time.Since(op.began))
	op.logger.InfoContext(op.ctx, "operation", "type", string(op.kind), "name", op.name, "fields", op.fields, "outcome", op.outcome(),
		"responses", op.sent.Load(), "errors", op.failed, "took", time.Since(op.began))
}

// emitResponses executes the operation and sends its responses until it ends or send fails. A subscription that fails, at its start or later, has only
// errors, which are returned.
func (op *operation) emitResponses(send func(*graphql.Response) error) gqlerror.List {
	defer op.finish()
	return op.sendResponses(func(r *graphql.Response) error { return op.sendFrame(r, send) })
}

func (op *operation) sendResponses(send func(*graphql.Response) error) gqlerror.List {
	for r := op.firstResponse(); r != nil; r = op.nextResponse() {
		if op.kind == ast.Subscription && len(r.Data) == 0 && len(r.Errors) > 0 {
			return r.Errors
		}
		if send(r) != nil {
			return nil //nolint:nilerr // the client is gone
		}
	}
	return nil
}

// sendFrame sends a response. What subscribers get because of a sampled change is the end of that change's trace, linked with the subscriptions.
func (op *operation) sendFrame(r *graphql.Response, send func(*graphql.Response) error, more ...trace.Link) error {
	if op.delivery == nil {
		return send(r)
	}
	own := trace.WithLinks(trace.Link{SpanContext: op.span.SpanContext()})
	_, span := telemetry.StartSpan(op.delivery.Take(op.ctx), "frame", trace.WithLinks(more...), own)
	err := send(r)
	telemetry.EndSpan(span, err)
	return err
}
