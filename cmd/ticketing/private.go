package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/internal/services"
)

// startPrivate starts what the environment does not name, and tells cfg where it is.
func startPrivate(ctx context.Context, cfg *config.Config) (*services.Services, error) {
	private, err := services.Start(ctx, services.Config{
		DataDir:  cfg.DataDir,
		Postgres: cfg.EventsURL == "" || cfg.ReadURL == "" || cfg.AuthURL == "",
		Redis:    cfg.RedisURL == "",
		Broker:   len(cfg.Brokers) == 0,
		Logger:   slog.New(slog.DiscardHandler), // what goes wrong is in the error and in the servers' own logs
	})
	if err != nil {
		return nil, fmt.Errorf("start private services: %w", err)
	}
	if cfg.RedisURL == "" {
		cfg.RedisURL = private.RedisURL
	}
	if len(cfg.Brokers) == 0 {
		cfg.Brokers = private.Brokers
	}
	for name, url := range map[string]*string{"ticketing_events": &cfg.EventsURL, "ticketing_read": &cfg.ReadURL, "ticketing_auth": &cfg.AuthURL} {
		if *url != "" {
			continue
		}
		if *url, err = privateDatabase(ctx, private.PostgresURL, name); err != nil {
			return nil, errors.Join(err, private.Stop(context.WithoutCancel(ctx)))
		}
	}
	return private, nil
}

func privateDatabase(ctx context.Context, server, name string) (string, error) {
	if err := postgres.EnsureDatabase(ctx, server, name); err != nil {
		return "", fmt.Errorf("make database %s: %w", name, err)
	}
	return postgres.WithDatabase(server, name)
}
