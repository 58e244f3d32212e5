// Package redis opens clients of Redis. What they keep there, and what happens while Redis is away, is left to the packages that use them.
package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"ticketing/internal/network"
	"ticketing/internal/telemetry"
)

// timeout bounds each command, connecting included: who waits for Redis can do without it, or says UNAVAILABLE.
const timeout = 900 * time.Millisecond

// Config describes a client.
type Config struct {
	Name   string           // What CLIENT LIST shows. Default: none.
	TLS    *tls.Config      // Used with rediss:// only. Default: the system's certificate authorities.
	Dial   network.DialFunc // Default: network.Dial.
	Logger *slog.Logger     // Default: slog.Default().
	// Registerer gets the metrics of clients that New opens. Default: metrics are not registered.
	Registerer prometheus.Registerer
}

// New opens a client, which connects when it is first used: Redis may be away, also at the start. While it is away, commands fail at once
// with ErrAway instead of each waiting for it. The client watches Redis until ctx ends; the caller closes it. A copy made by WithTimeout has
// none of that, since go-redis drops the hooks.
func New(ctx context.Context, url string, cfg Config) (*redis.Client, error) {
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	dialer := network.New(network.Config{Dial: cfg.Dial})
	client, err := open(url, cfg, dialer, nil)
	if err != nil {
		return nil, err
	}
	probe, err := open(url, cfg, network.New(network.Config{Dial: cfg.Dial}), onlyProbes)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	b := newBreaker(dialer, probe, cfg.Logger)
	b.metrics = newMetrics(cfg.Registerer, client, b)
	client.AddHook(b)
	if telemetry.Exports() {
		client.AddHook(spanHook{})
	}
	go b.watchRedis(ctx)
	return client, nil
}

// Lazy opens a client that connects when it is first used, and does not watch Redis.
func Lazy(url string, cfg Config) (*redis.Client, error) {
	return open(url, cfg, network.New(network.Config{Dial: cfg.Dial}), nil)
}

// errURL leaves out what is wrong, which may hold the password.
var errURL = errors.New("REDIS_URL is neither redis://user:password@host:port/0 nor, for Sentinel, " +
	"redis://sentinel:26379/0?master_name=name&addr=other-sentinel:26379&password=…")

// open opens a client of one server or, if the URL names a master, of what Sentinel says is the master.
func open(address string, cfg Config, dialer *network.Dialer, change func(*redis.Options)) (*redis.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errURL
	}
	if u.Query().Has("master_name") {
		return openFailover(address, cfg, dialer, change)
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, errURL
	}
	options.ClientName = cmp.Or(cfg.Name, options.ClientName)
	options.Dialer = cfg.secured(dialer, options.TLSConfig)
	bound(options)
	if change != nil {
		change(options)
	}
	return redis.NewClient(options), nil
}

func openFailover(address string, cfg Config, dialer *network.Dialer, change func(*redis.Options)) (*redis.Client, error) {
	options, err := redis.ParseFailoverURL(address)
	if err != nil {
		return nil, errURL
	}
	common := &redis.Options{}
	bound(common)
	if change != nil {
		change(common)
	}
	options.ClientName = cmp.Or(cfg.Name, options.ClientName)
	options.Dialer = cfg.secured(dialer, options.TLSConfig)
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = common.DialTimeout, common.ReadTimeout, common.WriteTimeout
	options.PoolTimeout, options.DialerRetries, options.MaxRetries = common.PoolTimeout, common.DialerRetries, common.MaxRetries
	options.ContextTimeoutEnabled, options.DisableIdentity, options.PoolSize = true, true, common.PoolSize
	return redis.NewFailoverClient(options), nil
}

// bound sets what all clients have in common.
func bound(o *redis.Options) {
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = timeout, timeout, timeout, timeout
	o.DialerRetries, o.MaxRetries = 1, 1
	o.ContextTimeoutEnabled = true
	// Older servers return errors for these commands at every connect.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// secured returns a function that connects by TLS if the URL says so.
func (c Config) secured(dialer *network.Dialer, byURL *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	if byURL == nil {
		return dialer.DialContext
	}
	config := byURL.Clone()
	if c.TLS != nil {
		config.RootCAs, config.Certificates, config.VerifyConnection = c.TLS.RootCAs, c.TLS.Certificates, c.TLS.VerifyConnection
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		perHost := config.Clone()
		perHost.ServerName, _, _ = net.SplitHostPort(address)
		conn := tls.Client(raw, perHost)
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("secure the connection to %s: %w", address, err)
		}
		return conn, nil
	}
}

// LogTo has go-redis log to log what it else prints: each attempt that fails, which is of use for debugging only.
func LogTo(log *slog.Logger) { redis.SetLogger(printer{log}) }

type printer struct{ log *slog.Logger }

// Printf is part of go-redis's logger.
func (p printer) Printf(ctx context.Context, format string, args ...any) {
	p.log.DebugContext(ctx, "redis: "+fmt.Sprintf(format, args...))
}
