package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

type correlationKey struct{}

// WithCorrelationID names the request that everything done with the context belongs to.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationKey{}, id)
}

// CorrelationID answers the request's name, or "".
func CorrelationID(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

const traceparentHeader = "traceparent"

// Traceparent answers the context's span in W3C's form, or "", to be stored beside what is done later.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceparentHeader]
}
