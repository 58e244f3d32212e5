package redis_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/process"
	"ticketing/internal/redis"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

func TestRedisIsReachedByTLS(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testenv.Redis(t))
	require.NoError(t, err)
	address, certificate := testenv.ServeTLS(t, u.Host)
	authorities := x509.NewCertPool()
	authorities.AddCert(certificate)
	secured := "rediss://" + address + "/0"
	trusting, err := redis.New(t.Context(), secured, redis.Config{TLS: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}})
	require.NoError(t, err)
	defer trusting.Close()
	require.NoError(t, trusting.Ping(t.Context()).Err())

	suspicious, err := redis.New(t.Context(), secured, redis.Config{})
	require.NoError(t, err)
	defer suspicious.Close()
	require.ErrorContains(t, suspicious.Ping(t.Context()).Err(), "certificate")
}

// startConfigured starts a redis-server with a line of configuration, and returns its address.
func startConfigured(t *testing.T, line string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	require.NoError(t, err)
	port, err := services.FreePort()
	require.NoError(t, err)
	folder := t.TempDir()
	config := filepath.Join(folder, "redis.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\ndir %s\n%s\n", port, folder, line), 0o600))
	server, err := process.Start(process.Spec{Path: program, Args: append([]string{config}, args...)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Kill() })
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// startSentinel starts a Sentinel that knows a master named "shop", and returns its address.
func startSentinel(t *testing.T, master *url.URL) string {
	t.Helper()
	return startConfigured(t, fmt.Sprintf("sentinel monitor shop %s %s 1", master.Hostname(), master.Port()), "--sentinel")
}

func TestANodeOfRedisClusterIsRefused(t *testing.T) {
	t.Parallel()
	node, err := redis.Lazy("redis://"+startConfigured(t, "cluster-enabled yes"), redis.Config{})
	require.NoError(t, err)
	defer node.Close()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		err := node.Ping(t.Context()).Err()
		return err == nil, fmt.Sprint(err)
	})
	require.ErrorIs(t, redis.RefuseCluster(t.Context(), node), redis.ErrCluster)
	single, err := redis.Lazy(testenv.Redis(t), redis.Config{})
	require.NoError(t, err)
	defer single.Close()
	require.NoError(t, redis.RefuseCluster(t.Context(), single))
	away, err := redis.Lazy("redis://127.0.0.1:1", redis.Config{})
	require.NoError(t, err)
	defer away.Close()
	require.NoError(t, redis.RefuseCluster(t.Context(), away), "it may be away at the start")
	_, err = redis.Lazy("redis://127.0.0.1:1?addr=127.0.0.1:2", redis.Config{})
	require.Error(t, err, "the addresses of a cluster")
}

func TestSentinelSaysWhereTheMasterIs(t *testing.T) {
	t.Parallel()
	master, err := url.Parse(testenv.Redis(t))
	require.NoError(t, err)
	sentinel := startSentinel(t, master)
	client, err := redis.New(t.Context(), "redis://"+sentinel+"/0?master_name=shop", redis.Config{})
	require.NoError(t, err)
	defer client.Close()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		err := client.Set(t.Context(), "key", "value", 0).Err()
		return err == nil, fmt.Sprint(err)
	})
	direct, err := redis.Lazy(master.String(), redis.Config{})
	require.NoError(t, err)
	defer direct.Close()
	require.Equal(t, "value", direct.Get(t.Context(), "key").Val())
}
