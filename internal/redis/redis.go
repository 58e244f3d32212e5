// Package redis opens connections to Redis. What is kept there, and what happens while Redis is away, is left to those who use it.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options bounds a client. The zero value is fit for use.
type Options struct {
	Name        string        // what CLIENT LIST shows
	PoolSize    int           // 0: go-redis's default, ten a CPU
	DialTimeout time.Duration // 0: 2 s
	IOTimeout   time.Duration // of one read or write; 0: 2 s
}

// New opens a client and waits until Redis answers, so that a wrong URL shows at the start. The caller closes it.
func New(ctx context.Context, url string, o Options) (*redis.Client, error) {
	client, err := Lazy(url, o)
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("redis: %w", err), client.Close())
	}
	return client, nil
}

// Lazy opens a client that connects when it is first used, for those who can start without Redis.
func Lazy(url string, o Options) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("redis: REDIS_URL is not of the form redis://user:password@host:port/0") // err may hold the password
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = 2 * time.Second
	}
	if o.IOTimeout == 0 {
		o.IOTimeout = 2 * time.Second
	}
	options.ClientName = o.Name
	options.PoolSize = o.PoolSize
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = o.DialTimeout, o.IOTimeout, o.IOTimeout
	options.ContextTimeoutEnabled = true
	// Servers older than these commands answer them with errors at every connect.
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(options), nil
}

// LogTo sends what go-redis says by itself to a logger, for the whole process. Call it once, before the first client.
func LogTo(logger *slog.Logger) { redis.SetLogger(printer{logger}) }

type printer struct{ logger *slog.Logger }

func (p printer) Printf(ctx context.Context, format string, args ...any) {
	p.logger.WarnContext(ctx, "redis: "+fmt.Sprintf(format, args...))
}
