package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

// gatewaysByMethod lists the names of the gateways that take a payment method, the preferred one first.
var gatewaysByMethod = map[string][]string{
	"card":   {"stripe", "sandbox"},
	"paypal": {"paypal", "sandbox"},
}

// Config configures a Router.
type Config struct {
	// Gateways are all gateways that this process can call. One that is not enabled takes no new payments, but its payments are
	// completed. Required.
	Gateways []Gateway
	// Enabled are the names of the gateways that take new payments (PAYMENT_GATEWAYS). Default: none does.
	Enabled []string
	// Timeout bounds each call (PAYMENT_TIMEOUT). Default: 30s.
	Timeout time.Duration
	// Logger. Default: slog.Default().
	Logger *slog.Logger
	// Registerer registers the metrics. Default: they are not registered.
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Router finds the gateway of a payment. It puts a timeout and a circuit breaker around each.
type Router struct {
	gateways map[string]Gateway
	enabled  []string
}

// NewRouter returns a Router. It is an error to enable a gateway that is not among c.Gateways.
func NewRouter(c Config) (*Router, error) {
	c = c.withDefaults()
	r := &Router{gateways: make(map[string]Gateway, len(c.Gateways)), enabled: c.Enabled}
	m := newMetrics(c.Registerer)
	for _, g := range c.Gateways {
		r.gateways[g.Name()] = newGuarded(g, c.Timeout, m, c.Logger)
	}
	for _, name := range c.Enabled {
		if r.gateways[name] == nil {
			return nil, fmt.Errorf("payment gateway %q is enabled but not configured", name)
		}
	}
	return r, nil
}

// Pick returns the gateway that takes new payments by a method ("card", "paypal"), or a *rejection.Error if none does.
func (r *Router) Pick(method string) (Gateway, error) {
	for _, name := range gatewaysByMethod[method] {
		if slices.Contains(r.enabled, name) {
			return r.gateways[name], nil
		}
	}
	return nil, rejection.New(rejection.Invalid, "payments by %s are not accepted", method).At("method", method)
}

// CheckPrice returns a *rejection.Error for a price that no enabled gateway can charge. What is free needs none.
func (r *Router) CheckPrice(price money.Money) error {
	if price.Minor == 0 {
		return nil
	}
	refused := errors.New("no payment gateway is enabled, so that tickets must be free")
	for i, name := range r.enabled {
		err := r.gateways[name].CheckAmount(price)
		if err == nil {
			return nil
		}
		if i == 0 {
			refused = err
		}
	}
	return rejection.New(rejection.Invalid, "%s", refused).At("price")
}

// ByName returns a gateway, whether or not it takes new payments.
func (r *Router) ByName(name string) (Gateway, error) {
	g, ok := r.gateways[name]
	if !ok {
		return nil, fmt.Errorf("payment gateway %q is not configured", name)
	}
	return g, nil
}
