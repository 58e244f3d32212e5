// Package kafka holds what all clients of Redpanda, or any Kafka, have in common. Producing and consuming is left to the relay and the
// projectors.
package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/network"
	"ticketing/internal/supervise"
)

// Config says where the brokers are and which client this is.
type Config struct {
	Brokers  []string         // host:port. Required.
	ClientID string           // Names the client in the brokers' logs and quotas. Required.
	TLS      *tls.Config      // Default: connections are in the clear.
	SASL     SASL             // Default: clients do not name themselves.
	Receives bool             // Received records have spans, too. Default: only published ones have.
	Dial     network.DialFunc // Default: network.Dial.
	Logger   *slog.Logger     // Default: slog.Default().
	Metrics  *Metrics         // Default: clients are not measured.
}

const (
	dialTimeout = 5 * time.Second
	// responseTimeout is how much longer than the broker may take a response is waited for. A connection that is silently gone is noticed
	// by nothing else.
	responseTimeout = 5 * time.Second
	// longestPoll is how long a broker may hold back a fetch that has nothing to return. It adds to responseTimeout.
	longestPoll = time.Second
	// A new topic or a moved leader is found within metadataAge; the default of 5 s is noticeable on a laptop.
	metadataAge = 250 * time.Millisecond
)

// Options returns the options that every client starts with. Options that follow override them.
func Options(c Config) []kgo.Opt {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.WithLogger(logger{c.Logger, supervise.NewRepetitions()}),
		kgo.WithHooks(append(c.tracingHooks(), faultHook{supervise.NewFault("reaching the broker", c.Logger)}, c.Metrics)...),
		kgo.Dialer(c.dial),
		kgo.RequestTimeoutOverhead(responseTimeout),
		kgo.FetchMaxWait(longestPoll),
		kgo.MetadataMinAge(metadataAge),
	}
	if mechanism := c.SASL.mechanism(); mechanism != nil {
		options = append(options, kgo.SASL(mechanism))
	}
	return options
}

// dial connects to a broker, by TLS if it is configured.
func (c Config) dial(ctx context.Context, protocol, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	open := c.Dial
	if open == nil {
		open = network.Dial
	}
	raw, err := open(ctx, protocol, address)
	if err != nil || c.TLS == nil {
		return raw, err
	}
	config := c.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("secure the connection to %s: %w", address, err)
	}
	return secured, nil
}
