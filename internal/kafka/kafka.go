// Package kafka holds what all clients of Redpanda, or any Kafka, have in common. Producing and consuming is left to the relay and the
// projectors.
package kafka

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
)

// Config says where the brokers are and which client this is.
type Config struct {
	Brokers  []string     // host:port. Required.
	ClientID string       // Names the client in the brokers' logs and quotas. Required.
	Logger   *slog.Logger // Default: slog.Default().
}

// Options returns the options that every client starts with. Options that follow override them.
func Options(c Config) []kgo.Opt {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	tracing := kotel.NewKotel(kotel.WithTracer(kotel.NewTracer(kotel.ClientID(c.ClientID))))
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.WithLogger(logger{c.Logger}),
		kgo.WithHooks(tracing.Hooks()...),
		kgo.DialTimeout(5 * time.Second),
		// A new topic or a moved leader is found within this time; the default of 5 s is noticeable on a laptop.
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
}
