package top

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrapeTimeout bounds a sample: an address that hangs must not hold up the others.
const scrapeTimeout = 2 * time.Second

// Scrape reads the metrics of the processes at these addresses (host:port) once. A name of several hosts, such as a headless Service of
// Kubernetes, means all of them.
func Scrape(ctx context.Context, addresses []string) Sample {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	s := Sample{At: time.Now(), Processes: map[string]Families{}, Failed: map[string]error{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for address := range expand(ctx, addresses) {
		wg.Go(func() {
			families, err := scrapeOne(ctx, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.Failed[address] = err
				return
			}
			s.Processes[address] = families
		})
	}
	wg.Wait()
	return s
}

// expand returns the addresses, and instead of a name that means several other machines theirs.
func expand(ctx context.Context, addresses []string) map[string]bool {
	all := map[string]bool{}
	for _, address := range addresses {
		hosts := hostsOf(ctx, address)
		if len(hosts) < 2 { // a lookup that fails shows when it is scraped
			hosts = map[string]bool{address: true}
		}
		maps.Copy(all, hosts)
	}
	return all
}

func hostsOf(ctx context.Context, address string) map[string]bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	hosts := map[string]bool{}
	for _, ip := range ips {
		if ip.IsLoopback() {
			return nil
		}
		hosts[net.JoinHostPort(netip.Addr.Unmap(ip).String(), port)] = true
	}
	return hosts
}

func scrapeOne(ctx context.Context, address string) (Families, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask for metrics: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for metrics: %s", response.Status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return families, nil
}
