package parts

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
	"ticketing/internal/network/networktest"
	"ticketing/internal/postgres"
	"ticketing/internal/testenv"
)

func TestATransactionThatFellSilentKeepsNoRow(t *testing.T) {
	t.Parallel()
	cfg := config.Config{}
	cfg.EventsURL, cfg.MaxConnections, cfg.ConnectTimeout, cfg.StatementTimeout = testenv.EmptyDatabase(t), 4, 5*time.Second, 8*time.Second
	address, err := url.Parse(cfg.EventsURL)
	require.NoError(t, err)
	wires := networktest.New(t)
	open := func(e Env) *postgres.Pool {
		e.Config, e.Logger, e.Registry = cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry()
		pool, err := e.openEvents(t.Context(), "api", apiEvents)
		require.NoError(t, err)
		return pool
	}
	silent, other := open(Env{Dial: wires.Dial}), open(Env{})
	defer other.Close()
	_, err = other.Exec(t.Context(), `CREATE TABLE received (id text PRIMARY KEY)`)
	require.NoError(t, err)
	const store = `INSERT INTO received VALUES ('evt_1') ON CONFLICT DO NOTHING`
	tx, err := silent.Begin(t.Context())
	require.NoError(t, err)
	defer silent.Close()
	ended, end := context.WithCancel(t.Context())
	end()
	defer tx.Rollback(ended) // its connection is gone
	_, err = tx.Exec(t.Context(), store)
	require.NoError(t, err)
	wires.Silence(address.Host)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		tag, err := other.Exec(t.Context(), store)
		return err == nil && tag.RowsAffected() == 1, fmt.Sprint(err)
	})
}
