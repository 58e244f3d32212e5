package gateway

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketing/command/rejection"
)

// takers lists, by payment method, the names of the gateways that take it, the best first.
var takers = map[string][]string{
	"card":   {"stripe", "sandbox"},
	"paypal": {"paypal", "sandbox"},
}

// Config is what a Router needs. Logger and Registerer may be nil.
type Config struct {
	// Gateways are all that this process can talk to. One that is not enabled takes no new payments, but those that it has are
	// brought to their end.
	Gateways   []Gateway
	Enabled    []string      // PAYMENT_GATEWAYS
	Timeout    time.Duration // of each call: PAYMENT_TIMEOUT
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Router knows which gateway takes what, with a timeout and a circuit breaker around each.
type Router struct {
	gateways map[string]Gateway
	enabled  []string
}

// NewRouter answers a Router. Its error says which enabled gateway is not there.
func NewRouter(c Config) (*Router, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
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

// Pick answers the gateway that takes new payments by this method ("card", "paypal"); a *rejection.Error if none does.
func (r *Router) Pick(method string) (Gateway, error) {
	for _, name := range takers[method] {
		if slices.Contains(r.enabled, name) {
			return r.gateways[name], nil
		}
	}
	return nil, rejection.New(rejection.Invalid, "paying by %s is not possible here", method).At("method", method)
}

// ByName answers the gateway that has a payment already, whether or not it takes new ones.
func (r *Router) ByName(name string) (Gateway, error) {
	g, ok := r.gateways[name]
	if !ok {
		return nil, fmt.Errorf("payment gateway %q is not configured", name)
	}
	return g, nil
}
