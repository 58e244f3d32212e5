package redis_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/redis"
	"ticketing/internal/testenv"
)

// gate holds every pipeline until it is opened, and counts the commands of each.
type gate struct {
	open  chan struct{}
	mu    sync.Mutex
	sizes []int
}

func (g *gate) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (g *gate) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (g *gate) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		g.mu.Lock()
		g.sizes = append(g.sizes, len(cmds))
		g.mu.Unlock()
		<-g.open
		return next(ctx, cmds)
	}
}

func (g *gate) pipelines() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]int(nil), g.sizes...)
}

var double = goredis.NewScript(`if ARGV[1] == 'x' then return redis.error_reply('ERR no number') end return 2 * ARGV[1]`)

func combining(t *testing.T) (*redis.Combining, *gate) {
	t.Helper()
	client, err := redis.New(t.Context(), testenv.RedisServer(t).URL(), redis.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	require.NoError(t, double.Load(t.Context(), client).Err())
	g := &gate{open: make(chan struct{})}
	client.AddHook(g)
	return redis.Combine(client), g
}

func TestScriptsOfConcurrentCallersGoTogether(t *testing.T) {
	t.Parallel()
	client, g := combining(t)
	var callers sync.WaitGroup
	call := func(n int) {
		callers.Go(func() {
			got, err := double.Run(t.Context(), client, nil, n).Int()
			assert.NoError(t, err)
			assert.Equal(t, 2*n, got)
		})
	}
	call(1)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return len(g.pipelines()) == 1, "a lone caller's script does not go" })
	for n := range 50 {
		call(n)
	}
	callers.Go(func() {
		_, err := double.Run(t.Context(), client, nil, "x").Int()
		assert.Error(t, err, "one script's error is lost")
	})
	left, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- double.Run(left, client, nil, 1).Err() }()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := client.Waiting()
		return n == 52, fmt.Sprintf("%d scripts wait", n)
	})
	leave()
	require.ErrorIs(t, <-gone, context.Canceled, "a caller who leaves need not wait")
	close(g.open)
	callers.Wait()
	require.Equal(t, []int{1, 52}, g.pipelines())
}

func TestAScriptThatTheServerDoesNotKnowRuns(t *testing.T) {
	t.Parallel()
	client, g := combining(t)
	close(g.open)
	require.NoError(t, client.ScriptFlush(t.Context()).Err())
	for range 2 {
		got, err := double.Run(t.Context(), client, nil, 21).Int()
		require.NoError(t, err)
		require.Equal(t, 42, got)
	}
}

func TestRedisAwayIsEveryCallersError(t *testing.T) {
	t.Parallel()
	lazy, err := redis.Lazy("redis://127.0.0.1:1", redis.Config{})
	require.NoError(t, err)
	defer lazy.Close()
	client := redis.Combine(lazy)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			assert.Error(t, double.Run(t.Context(), client, nil, 1).Err())
		})
	}
	callers.Wait()
}
