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
)

var tracer = otel.Tracer("ticketing/graph/transport")

// withRemoteSpan goes on with the trace of the request's traceparent, unless somebody has done so before.
func withRemoteSpan(r *http.Request) context.Context {
	if trace.SpanContextFromContext(r.Context()).IsValid() {
		return r.Context()
	}
	return otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
}

// running is an operation that passed all checks: it has a span of its own and one line in the log when it ends.
type running struct {
	ctx       context.Context
	oc        *graphql.OperationContext
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

// prepare parses and checks an operation. What is wrong with it is answered without executing anything.
func (h *Handler) prepare(ctx context.Context, params *graphql.RawParams) (*running, gqlerror.List) {
	began := time.Now()
	ctx, span := tracer.Start(graphql.StartOperationTrace(ctx), "graphql", trace.WithSpanKind(trace.SpanKindServer))
	exec := h.host.Executor(ctx)
	oc, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		refused := exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs).Errors
		span.SetAttributes(attribute.String("graphql.error", codeOf(refused[0]))) // its message may repeat what the client sent
		span.End()
		h.metrics.refused(codeOf(refused[0]))
		h.cfg.Logger.InfoContext(ctx, "operation refused", "code", codeOf(refused[0]), "took", time.Since(began))
		return nil, refused
	}
	op := &running{ctx: ctx, oc: oc, exec: exec, span: span, logger: h.cfg.Logger, metrics: h.metrics, began: began, code: "ok"}
	span.SetName("graphql " + string(op.kind()))
	span.SetAttributes(attribute.String("graphql.operation.type", string(op.kind())), attribute.String("graphql.operation.name", op.name()))
	return op, nil
}

func (op *running) kind() ast.Operation { return op.oc.Operation.Operation }

// name answers the operation's name, cut: clients choose it.
func (op *running) name() string {
	const longest = 100
	return op.oc.Operation.Name[:min(len(op.oc.Operation.Name), longest)]
}

// first executes the operation up to its first response.
func (op *running) first() *graphql.Response {
	responses, ctx := op.exec.DispatchOperation(op.ctx, op.oc)
	op.responses, op.ctx = responses, ctx
	return op.next()
}

// next answers the next response, nil after the last.
func (op *running) next() *graphql.Response {
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

// end writes the operation's line in the log. Variables never get there.
func (op *running) end() {
	op.span.SetAttributes(attribute.Int("graphql.responses", op.sent), attribute.Int("graphql.errors", op.failed))
	op.span.End()
	op.metrics.ended(string(op.kind()), op.code, time.Since(op.began))
	op.logger.InfoContext(op.ctx, "operation", "type", string(op.kind()), "name", op.name(), "responses", op.sent, "errors", op.failed,
		"code", op.code, "took", time.Since(op.began))
}

// emit executes the operation and hands on its responses until it ends or can't be handed on. A subscription that fails at its start has
// not been executed: its errors are the answer.
func (op *running) emit(hand func(*graphql.Response) error) gqlerror.List {
	defer op.end()
	for r := op.first(); r != nil; r = op.next() {
		if op.sent == 1 && op.kind() == ast.Subscription && len(r.Data) == 0 && len(r.Errors) > 0 {
			return r.Errors
		}
		if hand(r) != nil {
			return nil
		}
	}
	return nil
}
