package transport

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ticketing/graph/apierror"
)

var tracer = otel.Tracer("ticketing/graph/transport")

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
	exec      graphql.GraphExecutor
	responses graphql.ResponseHandler
	span      trace.Span
	logger    *slog.Logger
	metrics   *metrics
	began     time.Time
	sent      int
	failed    int
	code      string // of the first error
}

// prepareOperation parses and checks an operation. When something is wrong with it, nothing is executed.
func (h *Handler) prepareOperation(ctx context.Context, params *operationParams) (*operation, gqlerror.List) {
	began := time.Now()
	ctx, span := tracer.Start(graphql.StartOperationTrace(ctx), "graphql", trace.WithSpanKind(trace.SpanKindServer))
	exec := h.host.Executor(ctx)
	raw := params.RawParams
	var err error
	if raw.Query, err = h.host.Document(ctx, params.documentID, raw.Query); err != nil {
		span.End()
		refused := apierror.From(err)
		h.metrics.countRefused(string(refused.Code))
		return nil, presentErrors(refused)
	}
	oc, errs := exec.CreateOperationContext(ctx, &raw)
	if len(errs) > 0 {
		refused := exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs).Errors
		span.SetAttributes(attribute.String("graphql.error", codeOf(refused[0]))) // its message may repeat what the client sent
		span.End()
		h.metrics.countRefused(codeOf(refused[0]))
		h.cfg.Logger.InfoContext(ctx, "operation refused", "code", codeOf(refused[0]), "took", time.Since(began))
		return nil, refused
	}
	op := &operation{ctx: ctx, oc: oc, exec: exec, span: span, logger: h.cfg.Logger, metrics: h.metrics, began: began, code: "ok"}
	op.kind, op.name = oc.Operation.Operation, oc.Operation.Name[:min(len(oc.Operation.Name), longestName)]
	if op.kind == ast.Subscription {
		op.metrics.subscriptions.Inc() // until it is finished
	}
	span.SetName("graphql " + string(op.kind))
	span.SetAttributes(attribute.String("graphql.operation.type", string(op.kind)), attribute.String("graphql.operation.name", op.name))
	return op, nil
}

const longestName = 100 // bytes of an operation's name in the log

// firstResponse executes the operation up to its first response.
func (op *operation) firstResponse() *graphql.Response {
	responses, ctx := op.exec.DispatchOperation(op.ctx, op.oc)
	op.responses, op.ctx = responses, ctx
	return op.nextResponse()
}

// nextResponse returns nil after the last response.
func (op *operation) nextResponse() *graphql.Response {
	r := op.responses(op.ctx)
	if r != nil {
		op.sent++
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
	op.span.SetAttributes(attribute.Int("graphql.responses", op.sent), attribute.Int("graphql.errors", op.failed))
	op.span.End()
	if op.kind == ast.Subscription {
		op.metrics.subscriptions.Dec()
	}
	op.metrics.countEnded(string(op.kind), op.code, time.Since(op.began))
	op.logger.InfoContext(op.ctx, "operation", "type", string(op.kind), "name", op.name, "responses", op.sent, "errors", op.failed,
		"code", op.code, "took", time.Since(op.began))
}

// emitResponses executes the operation and sends its responses until it ends or send fails. A subscription that fails at its start was not
// executed: it has only errors, which are returned.
func (op *operation) emitResponses(send func(*graphql.Response) error) gqlerror.List {
	defer op.finish()
	return op.sendResponses(send)
}

func (op *operation) sendResponses(send func(*graphql.Response) error) gqlerror.List {
	for r := op.firstResponse(); r != nil; r = op.nextResponse() {
		if op.sent == 1 && op.kind == ast.Subscription && len(r.Data) == 0 && len(r.Errors) > 0 {
			return r.Errors
		}
		if send(r) != nil {
			return nil //nolint:nilerr // the client is gone
		}
	}
	return nil
}
