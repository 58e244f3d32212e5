package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// Delivery carries the spans of changes to where they are sent to a client, beside the channel that carries the states themselves. Offer and
// Sent of a nil Delivery do nothing.
type Delivery struct {
	mu            sync.Mutex
	offered, sent trace.SpanContext
}

type deliveryKey struct{}

// WithDelivery returns a context with a Delivery, nil if no spans are exported.
func WithDelivery(ctx context.Context) (context.Context, *Delivery) {
	if !Exports() {
		return ctx, nil
	}
	d := &Delivery{}
	return context.WithValue(ctx, deliveryKey{}, d), d
}

// DeliveryOf returns the Delivery of a context, nil if there is none.
func DeliveryOf(ctx context.Context) *Delivery {
	d, _ := ctx.Value(deliveryKey{}).(*Delivery)
	return d
}

// Offer notes the span that led to the state which the channel gets next; an invalid one if there is none.
func (d *Delivery) Offer(span trace.SpanContext) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offered = span
}

// Sent notes that the channel has the state that was offered.
func (d *Delivery) Sent() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent, d.offered = d.offered, trace.SpanContext{}
}

// Take returns a context below the span of the state that was received last, and without a span if there is none. The sender may be a moment
// behind: what it has only offered by its own account was received, too.
func (d *Delivery) Take(ctx context.Context) context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	span := d.sent
	if !span.IsValid() {
		span, d.offered = d.offered, trace.SpanContext{}
	}
	d.sent = trace.SpanContext{}
	return trace.ContextWithSpanContext(ctx, span)
}
