package command

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
)

// Metrics count what was sold and paid. A domain event is counted by the process that appended it, after the acknowledged commit, so the sum
// over all processes counts each once.
type Metrics struct {
	commands     *prometheus.CounterVec
	reservations *prometheus.CounterVec
	payments     *prometheus.CounterVec
	seconds      prometheus.Histogram
}

// NewMetrics returns metrics, which show the payments of these gateways from the start. They are not registered if registerer is nil.
func NewMetrics(registerer prometheus.Registerer, gateways ...string) *Metrics {
	f := promauto.With(registerer)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "ticketing", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		commands: counter("commands_total", "Commands, by name: accepted, replayed (an idempotency key's outcome), rejected, or failed.", "command", "outcome"),
		reservations: counter("reservations_total",
			"Reservations that were reserved, completed, expired, cancelled, compensated (the last payment was declined) or refunded.", "outcome"),
		payments: counter("payments_total",
			"Payments that were initiated, completed, declined, unavailable (the gateway's outage), abandoned or disputed, and refunds that were carried out "+
				"(refunded), refused (refund_failed) or sent back (refund_sent_back).", "gateway", "outcome"),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "ticketing", Name: "reservation_duration_seconds", Help: "From a reservation to its completion, by customers who pay.",
			Buckets: prometheus.ExponentialBuckets(0.125, 2, 15), // to half an hour, longer than a hold with its extension
		}),
	}
	for _, outcome := range []string{"reserved", "completed", "expired", "cancelled", "compensated", "refunded"} {
		m.reservations.WithLabelValues(outcome)
	}
	for _, gateway := range gateways {
		for _, outcome := range []string{"initiated", "completed", "declined", "unavailable", "abandoned", "disputed", "refunded", "refund_failed", "refund_sent_back"} {
			m.payments.WithLabelValues(gateway, outcome)
		}
	}
	return m
}

// CountCommitted counts a domain event. It is for engine.Config.
func (m *Metrics) CountCommitted(domainEvent, state any) {
	switch state := state.(type) {
	case reservation.State:
		if outcome := reservationOutcome(domainEvent); outcome != "" {
			m.reservations.WithLabelValues(outcome).Inc()
		}
		if done, ok := domainEvent.(reservation.ReservationCompleted); ok {
			m.seconds.Observe(done.CompletedAt.Sub(state.CreatedAt).Seconds())
		}
	case payment.State:
		if outcome := paymentOutcome(domainEvent); outcome != "" {
			m.payments.WithLabelValues(state.Gateway, outcome).Inc()
		}
	}
}

func reservationOutcome(domainEvent any) string {
	switch domainEvent.(type) {
	case reservation.ReservationInitiated:
		return "reserved"
	case reservation.ReservationCompleted:
		return "completed"
	case reservation.ReservationExpired:
		return "expired"
	case reservation.ReservationCancelled:
		return "cancelled"
	case reservation.ReservationCompensated:
		return "compensated"
	case reservation.ReservationRefunded:
		return "refunded"
	case reservation.PaymentRequested, reservation.PaymentAttemptFailed, reservation.TicketsReturned:
	}
	return ""
}

func paymentOutcome(domainEvent any) string {
	switch e := domainEvent.(type) {
	case payment.PaymentInitiated:
		return "initiated"
	case payment.PaymentCompleted:
		return "completed"
	case payment.PaymentFailed:
		return failureOutcome(e.Code)
	case payment.PaymentDisputed:
		return "disputed"
	case payment.PaymentRefunded:
		return "refunded"
	case payment.RefundFailed:
		return "refund_failed"
	case payment.RefundSentBack:
		return "refund_sent_back"
	case payment.PaymentProcessing, payment.PaymentActionRequired, payment.RefundRequested, payment.RefundRetried, payment.RefundReported,
		payment.DisputeClosed:
	}
	return ""
}

func failureOutcome(code payment.FailureCode) string {
	switch code {
	case payment.GatewayUnavailable:
		return "unavailable"
	case payment.Abandoned:
		return "abandoned"
	case payment.Declined:
	}
	return "declined"
}

// countCommand counts how a command ended for its caller.
func (m *Metrics) countCommand(name string, replayed bool, err error) {
	outcome := "accepted"
	_, rejected := rejection.As(err)
	switch {
	case rejected:
		outcome = "rejected"
	case err != nil:
		outcome = "failed"
	case replayed:
		outcome = "replayed"
	}
	m.commands.WithLabelValues(name, outcome).Inc()
}
