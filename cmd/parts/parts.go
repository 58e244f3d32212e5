// Package parts assembles the parts of the product: the api, the relay, the projectors and the saga. It is the one place that knows all
// constructors. Each part is a function that runs until its context ends, so that a binary can run one of them, and a laptop or a
// test all of them in one process.
package parts

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/buildinfo"
	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	"ticketing/internal/network"
)

// Env is what all parts of a process share.
type Env struct {
	Config   config.Config
	Logger   *slog.Logger
	Registry *prometheus.Registry
	Clock    func() time.Time   // The process's own: nothing about sales depends on it. Default: time.Now.
	Health   *httpserver.Health // What the parts of the process work with. Default: nothing is reported.
	Dial     network.DialFunc   // Connects to databases, Redis and broker. Default: network.Dial.
}

// registererOf returns where a part registers its metrics. The label keeps equal metrics of several parts in one process apart.
func (e Env) registererOf(part string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"part": part}, e.Registry)
}

// showPart shows in the metrics that a part runs.
func (e Env) showPart(part string) {
	promauto.With(e.registererOf(part)).NewGauge(prometheus.GaugeOpts{
		Namespace: "ticketing", Name: "build_info", Help: "1 for each part that runs, with its version.",
		ConstLabels: prometheus.Labels{"version": buildinfo.Version()},
	}).Set(1)
}

// topics returns the topic of each category of streams.
func (e Env) topics() map[string]string {
	return map[string]string{
		event.Category: e.Config.EventTopic, inventory.Category: e.Config.InventoryTopic,
		reservation.Category: e.Config.ReservationTopic, payment.Category: e.Config.PaymentTopic,
	}
}
