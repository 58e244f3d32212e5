package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracer makes all of the product's own spans. It is looked up again when Setup has set another provider.
var tracer atomic.Pointer[trace.Tracer]

func currentTracer() trace.Tracer {
	if t := tracer.Load(); t != nil {
		return *t
	}
	return otel.Tracer("ticketing")
}

// StartRoot starts a span that may be the first of its trace: the sampler decides about it.
func StartRoot(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return currentTracer().Start(ctx, name, options...) //nolint:spancheck // the caller ends it
}

// StartSpan starts a span below ctx's if that one is sampled. Otherwise it does nothing: background work makes no traces of its own, and what
// is not sampled costs nothing.
func StartSpan(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !IsSampled(ctx) {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return currentTracer().Start(ctx, name, options...) //nolint:spancheck // as above
}

// EndSpan ends a span with the error of its work.
func EndSpan(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// exporting is set once spans are exported.
var exporting atomic.Bool

// Exports reports whether this process exports spans: if not, nothing needs to be prepared for them.
func Exports() bool { return exporting.Load() }

// IsSampled reports whether ctx has a span that is exported.
func IsSampled(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsSampled() }

// Traceparent returns the context's span in W3C's form, "" if there is none, to be stored with later work.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparentHeader]
}

const traceparentHeader = "traceparent"

// ContinueTrace returns a context whose spans continue the trace that Traceparent returned.
func ContinueTrace(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparentHeader: traceparent})
}

// Follow returns ctx with the span and the ids of from, whose work goes on in ctx.
func Follow(ctx, from context.Context) context.Context {
	ctx = trace.ContextWithSpan(ctx, trace.SpanFromContext(from))
	return WithUserID(WithCorrelationID(ctx, CorrelationID(from)), UserID(from))
}

// identifier puts the ids of the request and of its user on every span, also on those of libraries.
type identifier struct{}

// OnStart is part of sdktrace.SpanProcessor.
func (identifier) OnStart(ctx context.Context, span sdktrace.ReadWriteSpan) {
	if id := CorrelationID(ctx); id != "" {
		span.SetAttributes(attribute.String("correlation.id", id))
	}
	if id := UserID(ctx); id != "" {
		span.SetAttributes(attribute.String("user.id", id))
	}
}

// OnEnd is part of sdktrace.SpanProcessor.
func (identifier) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown is part of sdktrace.SpanProcessor.
func (identifier) Shutdown(context.Context) error { return nil }

// ForceFlush is part of sdktrace.SpanProcessor.
func (identifier) ForceFlush(context.Context) error { return nil }

// cleanExporter exports spans without what is personal or secret. Statements have no arguments in the first place; errors may quote some.
type cleanExporter struct{ sdktrace.SpanExporter }

// ExportSpans is part of sdktrace.SpanExporter.
func (e cleanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		clean[i] = cleanSpan{span}
	}
	return e.SpanExporter.ExportSpans(ctx, clean)
}

type cleanSpan struct{ sdktrace.ReadOnlySpan }

// Attributes is part of sdktrace.ReadOnlySpan.
func (s cleanSpan) Attributes() []attribute.KeyValue {
	return cleanAttributes(s.ReadOnlySpan.Attributes())
}

// Status is part of sdktrace.ReadOnlySpan.
func (s cleanSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = Redact(status.Description)
	return status
}

// Events is part of sdktrace.ReadOnlySpan.
func (s cleanSpan) Events() []sdktrace.Event {
	events := make([]sdktrace.Event, 0, len(s.ReadOnlySpan.Events()))
	for _, event := range s.ReadOnlySpan.Events() {
		event.Attributes = cleanAttributes(event.Attributes)
		events = append(events, event)
	}
	return events
}

func cleanAttributes(all []attribute.KeyValue) []attribute.KeyValue {
	clean := make([]attribute.KeyValue, len(all))
	for i, a := range all {
		if !isIdentifier(string(a.Key)) {
			a.Value = cleanValue(a.Value)
		}
		clean[i] = a
	}
	return clean
}

func cleanValue(value attribute.Value) attribute.Value {
	switch value.Type() {
	case attribute.STRING:
		return attribute.StringValue(Redact(value.AsString()))
	case attribute.STRINGSLICE:
		texts := value.AsStringSlice()
		for i, text := range texts {
			texts[i] = Redact(text)
		}
		return attribute.StringSliceValue(texts)
	default:
		return value
	}
}

// traceLog logs what the SDK can't do, in the form of all other lines.
type traceLog struct {
	logger *slog.Logger
	news   func(message string) bool
}

// Handle is part of otel.ErrorHandler.
func (l traceLog) Handle(err error) {
	if l.news(err.Error()) {
		l.logger.Warn("traces", "error", err)
	}
}
