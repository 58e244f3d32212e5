package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/redis"
	"ticketing/internal/testenv"
)

func TestConnectingLeavesNoErrorsInRedis(t *testing.T) {
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
}

func TestErrorsKeepThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"redis://:hunter2hunter2@[redis/0", "redis://:hunter2hunter2@redis/0?master_name=m&db=hunter2"} {
		_, err := redis.Lazy(url, redis.Config{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
