// Package command is the write side's list of use cases: one method a business action, in a file named by it. Each makes what the
// decision needs (ids), has it decided by the engine, and talks to the payment gateway where there is one, never under a lock.
//
// A use case's error is a *rejection.Error when the command is refused.
package command

import (
	"log/slog"
	"time"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

// The aggregates that the use cases decide on. The snapshot version changes with the format of inventory.State.AppendBinary.
var (
	events       = engine.Define(event.Category, event.Decide, event.Evolve)
	inventories  = engine.Define(inventory.Category, inventory.Decide, inventory.Evolve).InPlace(inventory.Revert).WithSnapshots(4)
	reservations = engine.Define(reservation.Category, reservation.Decide, reservation.Evolve)
	payments     = engine.Define(payment.Category, payment.Decide, payment.Evolve)
)

// Aggregates returns what the engine must know to run this package's use cases.
func Aggregates() []engine.AnyAggregate {
	return []engine.AnyAggregate{events, inventories, reservations, payments}
}

// Gateways is what the service needs of gateway.Router.
type Gateways interface {
	// Pick returns the gateway that takes payments by this method ("card", "paypal").
	Pick(method string) (gateway.Gateway, error)
	// ByName returns the gateway that has a payment already.
	ByName(name string) (gateway.Gateway, error)
	// CheckPrice returns a *rejection.Error for a price that can't be charged.
	CheckPrice(price money.Money) error
}

// Config is what a Service needs.
type Config struct {
	Engine   *engine.Engine // Required. It must know Aggregates.
	Gateways Gateways       // Required, unless nothing is paid.
	Hold     time.Duration  // How long an unpaid reservation keeps its seats. Required.
	Unpaid   int            // How many unpaid reservations a customer may have of one event. Default: no limit.
	Texts    Texts          // Default: nil, reasons about people are not kept.
	Metrics  *Metrics       // Default: nothing is counted.
	Logger   *slog.Logger   // Default: slog.Default().
}

// Service runs the use cases. Make it with New.
type Service struct {
	engine   *engine.Engine
	gateways Gateways
	hold     time.Duration
	unpaid   int
	texts    Texts
	metrics  *Metrics
	logger   *slog.Logger
}

// checkPrice returns a *rejection.Error for a price that none of the enabled gateways can charge: each customer would be declined, and lose
// their seats.
func (s *Service) checkPrice(price money.Money) error {
	if s.gateways == nil {
		return nil
	}
	return s.gateways.CheckPrice(price)
}

// New returns a Service. It panics without a required field.
func New(c Config) *Service {
	if c.Engine == nil || c.Hold <= 0 {
		panic("make the service: Engine and Hold are required")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	return &Service{
		engine: c.Engine, gateways: c.Gateways, hold: c.Hold, unpaid: c.Unpaid, texts: c.Texts, metrics: c.Metrics, logger: c.Logger,
	}
}
