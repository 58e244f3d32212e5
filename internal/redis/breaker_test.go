package redis_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/network/networktest"
	"ticketing/internal/redis"
	"ticketing/internal/testenv"
)

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), text)
}

// openBehindProxy returns a client whose connections a test can silence.
func openBehindProxy(t *testing.T, log *syncBuffer) (*goredis.Client, *networktest.Proxy) {
	t.Helper()
	u, err := url.Parse(testenv.RedisServer(t).URL())
	require.NoError(t, err)
	proxy := networktest.NewProxy(t, u.Host)
	u.Host = proxy.Address()
	client, err := redis.New(t.Context(), u.String(), redis.Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
	return client, proxy
}

// While Redis hangs, a command fails within a second, and most at once.
func TestCommandsFailFastWhileRedisHangs(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	client, proxy := openBehindProxy(t, &log)
	proxy.Hang()
	var group errgroup.Group
	for range 50 { // more than the client has connections
		group.Go(func() error {
			began := time.Now()
			err := client.Get(t.Context(), "key").Err()
			require.Error(t, err)
			require.Less(t, time.Since(began), 1500*time.Millisecond)
			return nil
		})
	}
	require.NoError(t, group.Wait())
	for range 100 {
		began := time.Now()
		require.ErrorIs(t, client.Get(t.Context(), "key").Err(), redis.ErrAway)
		_, err := client.Pipelined(t.Context(), func(p goredis.Pipeliner) error { return p.Get(t.Context(), "key").Err() })
		require.ErrorIs(t, err, redis.ErrAway)
		require.Less(t, time.Since(began), 500*time.Millisecond)
	}
	proxy.Resume()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		err := client.Get(t.Context(), "key").Err()
		return err == nil, "Redis is not used again"
	})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return log.count("reaching Redis works again") == 1, "the end is not logged" })
	require.Equal(t, 1, log.count("reaching Redis fails"), "the beginning, not each attempt")
}

// Connections that are silently gone are given up by themselves, the idle ones too.
func TestSilentConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	client, proxy := openBehindProxy(t, &log)
	var group errgroup.Group
	for range 10 {
		group.Go(func() error {
			return client.Eval(t.Context(), "for i=1,100000 do redis.call('get', KEYS[1]) end return 1", []string{"key"}).Err()
		})
	}
	_ = group.Wait()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // the probe's connection is there, and can be silenced, too
		clients, err := client.ClientList(t.Context()).Result()
		return strings.Contains(clients, "cmd=ping"), fmt.Sprint(clients, err)
	})
	require.Positive(t, proxy.Silence())
	began := time.Now()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return log.count("works again") > 0, "not noticed" })
	for range 20 {
		require.NoError(t, client.Get(t.Context(), "key").Err())
	}
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestAClientIsOpenedWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := testenv.RedisServer(t)
	server.Kill()
	var log syncBuffer
	client, err := redis.New(t.Context(), server.URL(), redis.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	require.Error(t, client.Ping(t.Context()).Err())
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return log.count("reaching Redis fails") == 1, "not logged" })
	server.Start()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		err := client.Ping(t.Context()).Err()
		return err == nil, "not reached"
	})
}

// A refusal of Redis, or a caller who does not wait, says nothing about the connection.
func TestErrorsThatAreNoFaultCloseNothing(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	client, _ := openBehindProxy(t, &log)
	require.ErrorIs(t, client.Get(t.Context(), "none").Err(), goredis.Nil)
	require.Error(t, client.Incr(t.Context(), "key").Err())
	require.NoError(t, client.Get(t.Context(), "key").Err())
	require.Zero(t, log.count("fails"))
}

// Scripts that wait for the pipeline of others do not wait longer than these.
func TestCombinedScriptsFailFastWhileRedisHangs(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	client, proxy := openBehindProxy(t, &log)
	script := goredis.NewScript("return redis.call('get', KEYS[1])")
	combining := redis.Combine(client)
	run := func() error { return script.Run(t.Context(), combining, []string{"key"}).Err() }
	require.NoError(t, run())
	proxy.Hang()
	for range 20 {
		var group errgroup.Group
		began := time.Now()
		for range 20 {
			group.Go(func() error {
				require.Error(t, run())
				return nil
			})
		}
		require.NoError(t, group.Wait())
		require.Less(t, time.Since(began), 2*time.Second)
	}
}
