package saga

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"ticketing/command"
	"ticketing/command/rejection"
	"ticketing/internal/telemetry"
)

// startWork continues the trace of what caused a piece of work. It returns the context and the caller for its use case; done ends the span and
// writes the work's line to the log.
func startWork(ctx context.Context, kind string, by command.Caller) (_ context.Context, _ command.Caller, done func(log *slog.Logger, err error, about ...any)) {
	began := time.Now()
	ctx = telemetry.WithCorrelationID(telemetry.ContinueTrace(ctx, by.Trace.Traceparent), by.Trace.CorrelationID)
	ctx = telemetry.WithUserID(ctx, by.Principal.ID())
	ctx, span := telemetry.StartSpan(ctx, "saga "+kind, trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		by.Trace.Traceparent = telemetry.Traceparent(ctx)
	}
	return ctx, by, func(log *slog.Logger, err error, about ...any) {
		outcome := outcomeOf(err)
		if outcome != outcomeFailed {
			err = nil
		}
		telemetry.EndSpan(span, err)
		log.InfoContext(ctx, "work", append(about, "operation", kind, "outcome", outcome, "took", time.Since(began))...)
	}
}

const outcomeFailed = "failed"

// outcomeOf returns how a piece of work ended, as the log calls it.
func outcomeOf(err error) string {
	_, postponed := errors.AsType[laterError](err)
	rejected, isRejected := rejection.As(err)
	switch {
	case err == nil:
		return "ok"
	case postponed || isPending(err):
		return "not_yet"
	case isRejected:
		return string(rejected.Code)
	}
	return outcomeFailed
}
