package redis_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// startTLS serves the server at target by TLS, and returns the address and the pool that trusts it.
func startTLS(t *testing.T, target string) (address string, authorities *x509.CertPool) {
	t.Helper()
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(certified.Close)
	authorities = x509.NewCertPool()
	authorities.AddCert(certified.Certificate())
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				return
			}
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }()
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		}
	}()
	return listener.Addr().String(), authorities
}

func TestRedisIsReachedByTLS(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testenv.Redis(t))
	require.NoError(t, err)
	address, authorities := startTLS(t, u.Host)
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

// startSentinel starts a Sentinel that knows a master named "shop", and returns its address.
func startSentinel(t *testing.T, master *url.URL) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	require.NoError(t, err)
	port, err := services.FreePort()
	require.NoError(t, err)
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\nsentinel monitor shop %s %s 1\n", port, master.Hostname(), master.Port()), 0o600))
	sentinel, err := process.Start(process.Spec{Path: program, Args: []string{config, "--sentinel"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sentinel.Kill() })
	return fmt.Sprintf("127.0.0.1:%d", port)
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
