// Package redis opens clients of Redis. What they keep there, and what happens while Redis is away, is left to the packages that use them.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// timeout bounds connecting, and each read and write.
const timeout = 2 * time.Second

// Config describes a client.
type Config struct {
	Name string // What CLIENT LIST shows. Default: none.
}

// New opens a client and waits until Redis responds, so that a wrong URL shows at the start. The caller closes it.
func New(ctx context.Context, url string, cfg Config) (*redis.Client, error) {
	client, err := Lazy(url, cfg)
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to Redis: %w", err), client.Close())
	}
	return client, nil
}

// Lazy opens a client that connects when it is first used.
func Lazy(url string, cfg Config) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("REDIS_URL is not of the form redis://user:password@host:port/0") // err may hold the password
	}
	options.ClientName = cfg.Name
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
	options.ContextTimeoutEnabled = true
	// Older servers return errors for these commands at every connect.
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(options), nil
}
