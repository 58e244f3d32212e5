// Package services runs a private PostgreSQL, Redis and Kafka broker below one folder, for laptops and tests. They listen on ports of their
// own that only this machine reaches, have all their data again at the next start, and end with the process that started them, however
// that ends. They are not for production: there is no replication and no access from other machines.
package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// startTimeout bounds the start of a server, which takes longest after a crash.
const startTimeout = time.Minute

// Config says what to start and where.
type Config struct {
	DataDir  string       // Created if it is missing; used by one process at a time. Required.
	Postgres bool         // Start PostgreSQL. Default: false.
	Redis    bool         // Start Redis. Default: false.
	Broker   bool         // Start the broker, in this process. Default: false.
	Fast     bool         // For tests: no passwords, and data may not survive a power cut. Default: false.
	Logger   *slog.Logger // Default: slog.Default().
}

// Services is what Start started.
type Services struct {
	PostgresURL string   // of the database "postgres", as superuser; "" when not started
	RedisURL    string   // "" when not started
	Brokers     []string // nil when not started

	postgres *Postgres
	redis    *Redis
	broker   *Broker
	lock     *lock
}

// Start starts all servers at once and returns when they can be used. If one of them fails, it stops the others.
func Start(ctx context.Context, o Config) (*Services, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Services{}
	if s.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	password, err := s.makePassword(dir, o.Fast)
	if err == nil {
		err = s.startServers(ctx, dir, password, o)
	}
	if err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopping))
	}
	return s, nil
}

func (s *Services) startServers(ctx context.Context, dir, password string, o Config) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// Not errgroup.WithContext: Stop shuts down a server that is half started.
	var group errgroup.Group
	if o.Postgres {
		group.Go(func() (err error) {
			s.postgres, err = StartPostgres(ctx, PostgresConfig{
				DataDir: filepath.Join(dir, "postgres"), Password: password, Fast: o.Fast, Logger: o.Logger,
			})
			if err == nil {
				s.PostgresURL = s.postgres.URL()
			}
			return err
		})
	}
	if o.Redis {
		group.Go(func() (err error) {
			s.redis, err = StartRedis(ctx, RedisConfig{DataDir: filepath.Join(dir, "redis"), Password: password, Logger: o.Logger})
			if err == nil {
				s.RedisURL = s.redis.URL()
			}
			return err
		})
	}
	if o.Broker {
		group.Go(func() (err error) {
			s.broker, err = StartBroker(BrokerConfig{DataDir: filepath.Join(dir, "broker"), Logger: o.Logger})
			if err == nil {
				s.Brokers = s.broker.Addrs()
			}
			return err
		})
	}
	return group.Wait()
}

// makePassword returns the password of the private servers, whose ports other users of this machine can reach too.
func (s *Services) makePassword(dir string, fast bool) (string, error) {
	if fast {
		return "", nil
	}
	return readOrMakePassword(filepath.Join(dir, "password"))
}

// Failed returns a channel that is closed when a server has ended by itself. The caller can then only stop.
func (s *Services) Failed() <-chan struct{} {
	failed := make(chan struct{})
	var postgres, redis <-chan struct{}
	if s.postgres != nil {
		postgres = s.postgres.child.Done()
	}
	if s.redis != nil {
		redis = s.redis.child.Done()
	}
	if postgres == nil && redis == nil {
		return failed
	}
	go func() {
		select {
		case <-postgres:
		case <-redis:
		}
		close(failed)
	}()
	return failed
}

// Stop stops the broker, Redis and PostgreSQL, in this order, waits until they have ended, and unlocks the folder. It kills a server that
// has not stopped when ctx ends, and returns an error.
func (s *Services) Stop(ctx context.Context) error {
	var errs []error
	if s.broker != nil {
		errs = append(errs, s.broker.Stop())
	}
	if s.redis != nil {
		errs = append(errs, s.redis.Stop(ctx))
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop(ctx))
	}
	return errors.Join(append(errs, s.lock.unlock())...)
}
