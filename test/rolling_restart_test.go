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

// send sends a request to the next api that is ready. On a busy machine the probes may find none for a moment: balancers wait, too.
func (b *balancer) send(path, body string, header http.Header) error {
	for began := time.Now(); time.Since(began) < testenv.Patience; {
		i := int(b.next.Add(1)) % len(b.urls)
		if !b.ready[i].Load() {
			<-time.After(10 * time.Millisecond)
			continue
		}
		return b.post(b.urls[i]+path, body, header)
	}
	return errors.New("no api is ready")
}

func (b *balancer) post(url, body string, header http.Header) error {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	response, err := b.client.Do(request)
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

// query sends a query.
func (f *fleet) query(int) error {
	return f.send("/graphql", `{"query":"{ events(first: 1) { nodes { id } } }"}`, http.Header{})
}

// fleet is two apis behind a balancer, under load.
type fleet struct {
	*balancer

	p     *platform
	ports []string
	apis  []runningPart
	work  func(f *fleet, sender int) error
	sent  atomic.Int64
	stop  func()
}

const senders = 8 // of a fleet

// startFleet starts two apis, and senders that do work until stop.
func startFleet(p *platform, work func(f *fleet, sender int) error) *fleet {
	p.t.Helper()
	p.env["SHUTDOWN_DELAY"] = "3s"
	stopping := make(chan struct{})
	var running sync.WaitGroup
	f := &fleet{p: p, work: work, balancer: &balancer{client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}, ready: make([]atomic.Bool, 2)}}
	f.stop = sync.OnceFunc(func() {
		close(stopping)
		running.Wait()
	})
	p.t.Cleanup(f.stop)
	for range f.ready {
		port, err := services.FreePort()
		require.NoError(p.t, err)
		f.ports = append(f.ports, strconv.Itoa(port))
		f.apis = append(f.apis, f.start(len(f.ports)-1))
		f.urls = append(f.urls, p.url)
	}
	running.Go(func() { f.watchReadiness(stopping) })
	f.awaitReady()
	for i := range senders {
		running.Go(func() { f.load(i, stopping) })
	}
	return f
}

// load does a sender's work until stopping is closed.
func (f *fleet) load(sender int, stopping <-chan struct{}) {
	for {
		select {
		case <-stopping:
			return
		case <-time.After(20 * time.Millisecond):
		}
		if err := f.work(f, sender); err != nil {
			f.p.t.Errorf("a request failed: %v", err)
		}
		f.sent.Add(1)
	}
}

func (f *fleet) start(i int) runningPart {
	f.p.t.Helper()
	f.p.env["PORT"], f.p.url = f.ports[i], "http://127.0.0.1:"+f.ports[i]
	return f.p.startAPI()
}

func (f *fleet) awaitReady() {
	f.p.t.Helper()
	testenv.Eventually(f.p.t, testenv.Patience, func() (bool, string) {
		return f.ready[0].Load() && f.ready[1].Load(), "the apis are not ready"
	})
}

// roll replaces one api after the other.
func (f *fleet) roll() {
	f.p.t.Helper()
	for i, api := range f.apis {
		api.stop()
		f.apis[i] = f.start(i)
		f.awaitReady()
	}
}

func TestARollingRestartBreaksNoRequest(t *testing.T) {
	t.Parallel()
	f := startFleet(newPlatform(t), (*fleet).query)
	f.roll()
	f.stop()
	require.Greater(t, f.sent.Load(), int64(100))
}
