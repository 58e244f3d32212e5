// Package services runs PostgreSQL, Redis and a Kafka broker privately below one folder, for laptops and tests: on ports of their own,
// reachable from this machine only, found again with all their data at the next start, and gone with the process that started them,
// however that ends. It promises nothing that production needs: no replication, no access by others.
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

// startTimeout bounds how long one server may take until it answers; recovering after a crash takes the longest.
const startTimeout = time.Minute

// Options says what to start and where. At least one of Postgres, Redis and Broker should be set.
type Options struct {
	DataDir  string       // made when missing; used by one process at a time
	Postgres bool         // start PostgreSQL
	Redis    bool         // start Redis
	Broker   bool         // start the broker, in this process
	Fast     bool         // for tests: give up what survives a power cut, and passwords, for speed
	Logger   *slog.Logger // nil: slog.Default()
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

// Start starts everything at once and answers when all of it can be used. When one of them fails, the others are stopped again.
func Start(ctx context.Context, o Options) (*Services, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Services{}
	if s.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	password, err := s.password(dir, o.Fast)
	if err == nil {
		err = s.start(ctx, dir, password, o)
	}
	if err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopping))
	}
	return s, nil
}

func (s *Services) start(ctx context.Context, dir, password string, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// Not errgroup.WithContext: a server that is half-way up is stopped by Stop, in order.
	var group errgroup.Group
	if o.Postgres {
		group.Go(func() (err error) {
			s.postgres, err = StartPostgres(ctx, PostgresOptions{
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
			s.redis, err = StartRedis(ctx, RedisOptions{DataDir: filepath.Join(dir, "redis"), Password: password, Logger: o.Logger})
			if err == nil {
				s.RedisURL = s.redis.URL()
			}
			return err
		})
	}
	if o.Broker {
		group.Go(func() (err error) {
			s.broker, err = StartBroker(BrokerOptions{DataDir: filepath.Join(dir, "broker"), Logger: o.Logger})
			if err == nil {
				s.Brokers = s.broker.Addrs()
			}
			return err
		})
	}
	return group.Wait()
}

// password answers the one password of the private servers: other users of this machine can reach their ports too.
func (s *Services) password(dir string, fast bool) (string, error) {
	if fast {
		return "", nil
	}
	return readOrMakePassword(filepath.Join(dir, "password"))
}

// Failed is closed when a server ended by itself; nothing can be done then but to stop.
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

// Stop stops everything in the reverse order of a purchase's way (broker, Redis, PostgreSQL), waits until it is gone, and gives the
// folder free. What has not stopped when ctx ends is killed, and reported.
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
	return errors.Join(append(errs, s.lock.release())...)
}
