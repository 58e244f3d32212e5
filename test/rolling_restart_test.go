package test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// balancer sends requests to the apis that say that they are ready, over connections that it keeps, as a load balancer does.
type balancer struct {
	client http.Client
	urls   []string
	ready  []atomic.Bool
	next   atomic.Int64
}

// watchReadiness looks every 200 ms, until stop is closed.
func (b *balancer) watchReadiness(stop <-chan struct{}) {
	probe := http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	for {
		for i, url := range b.urls {
			response, err := probe.Get(url + "/health/ready")
			b.ready[i].Store(err == nil && response.StatusCode == http.StatusOK)
			if err == nil {
				_ = response.Body.Close()
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// send sends a query to the next api that is ready. On a busy machine the probes may find none for a moment: balancers wait, too.
func (b *balancer) send() error {
	for began := time.Now(); time.Since(began) < testenv.Patience; {
		i := int(b.next.Add(1)) % len(b.urls)
		if !b.ready[i].Load() {
			<-time.After(10 * time.Millisecond)
			continue
		}
		response, err := b.client.Post(b.urls[i]+"/graphql", "application/json", strings.NewReader(`{"query":"{ events(first: 1) { nodes { id } } }"}`))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || strings.Contains(string(text), `"errors"`) {
			return fmt.Errorf("%s: %s (%w)", response.Status, text, err)
		}
		return nil
	}
	return errors.New("no api is ready")
}

func TestARollingRestartBreaksNoRequest(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["SHUTDOWN_DELAY"] = "3s"
	const workers = 8
	b := &balancer{client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}, ready: make([]atomic.Bool, 2)}
	start := func(port string) runningPart {
		p.env["PORT"], p.url = port, "http://127.0.0.1:"+port
		return p.startAPI()
	}
	var ports []string
	var apis []runningPart
	for range 2 {
		port, err := services.FreePort()
		require.NoError(t, err)
		ports = append(ports, strconv.Itoa(port))
		apis = append(apis, start(ports[len(ports)-1]))
		b.urls = append(b.urls, p.url)
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { b.watchReadiness(stop) })
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return b.ready[0].Load() && b.ready[1].Load(), "the apis are not ready" })
	var sent atomic.Int64
	for range workers {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				if err := b.send(); err != nil {
					t.Errorf("a request failed: %v", err)
				}
				sent.Add(1)
			}
		})
	}
	for i, api := range apis {
		api.stop()
		start(ports[i])
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return b.ready[i].Load(), "the new api is not ready" })
	}
	close(stop)
	running.Wait()
	require.Greater(t, sent.Load(), int64(100))
}
