package redis_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/redis"
	"ticketing/internal/testenv"
)

func TestNewWaitsForRedis(t *testing.T) {
	t.Parallel()
	server := testenv.RedisServer(t)
	client, err := redis.New(t.Context(), server.URL(), redis.Config{Name: "test"})
	require.NoError(t, err)
	defer client.Close()
	name, err := client.ClientGetName(t.Context()).Result()
	require.NoError(t, err)
	require.Equal(t, "test", name)
	stats, err := client.Info(t.Context(), "errorstats").Result()
	require.NoError(t, err)
	require.NotContains(t, stats, "errorstat_", "connecting causes no errors in Redis's own statistics")

	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	_, err = redis.New(ctx, server.URL(), redis.Config{})
	require.Error(t, err)
}

func TestErrorsKeepThePassword(t *testing.T) {
	t.Parallel()
	_, err := redis.Lazy("redis://:hunter2hunter2@[redis/0", redis.Config{})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}
