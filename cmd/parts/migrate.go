package parts

import (
	"context"
	"fmt"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/migrations"
)

// Migrate brings the three databases up to date.
func Migrate(ctx context.Context, cfg config.Config) error {
	g, ctx := errgroup.WithContext(ctx)
	for url, files := range map[string]fs.FS{cfg.EventsURL: migrations.Events, cfg.ReadURL: migrations.Read, cfg.AuthURL: migrations.Auth} {
		g.Go(func() error { return postgres.Migrate(ctx, url, files) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
