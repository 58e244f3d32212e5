package remote_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/remote"
	"ticketing/internal/network/networktest"
	"ticketing/internal/testenv"
)

// worksWithin is after what time everything works again, as docs/operations.md says.
const worksWithin = 15 * time.Second

// gateway is a server behind a proxy that can silence its connections.
type gateway struct {
	t      *testing.T
	url    string
	proxy  *networktest.Proxy
	client *http.Client
	met    chan struct{} // is read by calls of /meet, so that several are under way at once
}

func startGateway(t *testing.T, http2 bool) *gateway {
	t.Helper()
	g := &gateway{t: t, met: make(chan struct{})}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/meet" {
			<-g.met
		}
		_, _ = w.Write([]byte(r.Proto))
	}))
	server.EnableHTTP2, server.Config.ErrorLog = http2, slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	g.proxy = networktest.NewProxy(t, server.Listener.Addr().String())
	transport := remote.NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.ServerName = "example.com"
	t.Cleanup(transport.CloseIdleConnections)
	g.client, g.url = &http.Client{Transport: transport}, "https://"+g.proxy.Address()
	return g
}

func (g *gateway) call(path string, timeout time.Duration) (protocol string, err error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+path, strings.NewReader("{}"))
	if err != nil {
		return "", err
	}
	response, err := g.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// worksAgain calls until a call succeeds.
func (g *gateway) worksAgain() {
	g.t.Helper()
	testenv.Eventually(g.t, worksWithin, func() (bool, string) {
		_, err := g.call("/", time.Second)
		return err == nil, "the gateway can't be called"
	})
}

func TestASilentHTTP2ConnectionEndsByItself(t *testing.T) {
	t.Parallel()
	g := startGateway(t, true)
	protocol, err := g.call("/", testenv.Patience)
	require.NoError(t, err)
	require.Equal(t, "HTTP/2.0", protocol)
	require.Equal(t, 1, g.proxy.Silence())
	began := time.Now()
	_, err = g.call("/", testenv.Patience)
	require.Error(t, err)
	require.Less(t, time.Since(began), worksWithin)
	g.worksAgain()
}

func TestACallThatTimesOutTakesSilentConnectionsWithIt(t *testing.T) {
	t.Parallel()
	const atOnce = 20 // one by one, they would take longer
	g := startGateway(t, false)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() { _, _ = g.call("/meet", testenv.Patience) })
	}
	for range atOnce {
		g.met <- struct{}{}
	}
	all.Wait()
	require.GreaterOrEqual(t, g.proxy.Silence(), atOnce)
	g.worksAgain()
}
