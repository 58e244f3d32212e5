package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

type correlationKey struct{}

// WithCorrelationID returns a context with the id of the request that it belongs to.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationKey{}, id)
}

// CorrelationID returns the id of the request, "" if there is none.
func CorrelationID(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

const traceparentHeader = "traceparent"

// Traceparent returns the context's span in W3C's form, "" if there is none, to be stored with later work.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparentHeader]
}
