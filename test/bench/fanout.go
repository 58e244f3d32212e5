package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/announce"
	"ticketing/internal/config"
	"ticketing/internal/postgres"
	"ticketing/internal/process"
)

const (
	fanoutChanges = 200 // of a comparison, by turns
	fanoutSellers = 16  // connections that reserve
)

const watchQuery = `subscription Watch($id: ID!) { availability(eventId: $id) { id inventoryVersion status
	sections { name price { amount currencyCode } capacity available reserved sold } } }`

// benchFanout measures how what changed reaches many WebSockets: the api beside a broadcast of the same messages by centrifuge, then 10,000
// subscribers while tickets of the event are sold.
func benchFanout(ctx context.Context, b *bench) (err error) {
	if err := raiseFileLimit(max(2*b.watchers, b.crowd)); err != nil {
		return err
	}
	_, env, stop, err := b.apiEnvironment(ctx, "fanout")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	env["WS_MAX_CONNECTIONS_PER_IP"], env["WS_RATE_LIMIT_MESSAGES"] = "100000", "1000000"
	cfg, err := config.Load(env)
	if err != nil {
		return err
	}
	var api *process.Process
	for _, name := range []string{"api", "relay", "projector"} {
		started, err := b.startProgram(ctx, name, withPort(env, name))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stopProcess(started)) }()
		if name == "api" {
			api = started
		}
	}
	if err := awaitReady(ctx, "http://"+cfg.Addr()+"/health/ready"); err != nil {
		return err
	}
	eventID, err := createEventThroughAPI(ctx, "http://"+cfg.Addr())
	if err != nil {
		return err
	}
	f := fanout{b: b, cfg: cfg, eventID: eventID, api: side{url: "ws://" + cfg.Addr() + "/graphql", pid: api.PID(), subprotocol: "graphql-transport-ws"}}
	f.api.greeting = []string{`{"type":"connection_init"}`, subscribeMessage(eventID)}
	if err := f.compare(ctx); err != nil {
		return err
	}
	return f.sellOut(ctx)
}

// withPort returns an environment in which a program other than the api has a port of its own for metrics.
func withPort(env map[string]string, name string) map[string]string {
	own := maps.Clone(env)
	if name != "api" {
		own["METRICS_PORT"] = "0"
	}
	return own
}

// fanout is a run against one api.
type fanout struct {
	b       *bench
	cfg     config.Config
	eventID string
	api     side
}

// compare has both sides send the same messages to as many clients, one after the other, and compares their memory and the last receiver's latency.
func (f *fanout) compare(ctx context.Context) (err error) {
	other, err := startCentrifuge(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopProcess(other.process)) }()
	read, err := postgres.NewPool(ctx, f.cfg.ReadURL, postgres.Config{MaxConnections: 1})
	if err != nil {
		return err
	}
	defer read.Close()
	options, err := redis.ParseURL(f.cfg.RedisURL)
	if err != nil {
		return fmt.Errorf("read the URL of Redis: %w", err)
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	ours, err := openCrowd(ctx, f.api, f.b.watchers)
	if err != nil {
		return err
	}
	defer ours.close()
	if err := f.saveHeap(ctx); err != nil {
		return err
	}
	theirs, err := openCrowd(ctx, other.side, f.b.watchers)
	if err != nil {
		return err
	}
	defer theirs.close()
	var projected int64
	err = awaitCondition(ctx, "the event's inventory", 20*time.Millisecond, func() (bool, error) {
		return read.QueryRow(ctx, `SELECT version FROM inventories WHERE event_id = $1`, f.eventID).Scan(&projected) == nil, nil
	})
	if err != nil {
		return err
	}
	const base = 1_000_000 // far above the version that the event has
	var lastOurs, lastTheirs []time.Duration
	for i := range int64(fanoutChanges) {
		version := base + i
		if _, err := read.Exec(ctx, `UPDATE inventories SET version = $2 WHERE event_id = $1`, f.eventID, version); err != nil {
			return fmt.Errorf("change the event: %w", err)
		}
		took, err := ours.awaitVersion(ctx, version, func() error {
			return announce.Publish(ctx, rdb, []announce.Change{{Kind: announce.Availability, ID: f.eventID, Version: version}})
		})
		if err != nil {
			return err
		}
		lastOurs = append(lastOurs, took)
		message := ours.lastMessage()
		took, err = theirs.awaitVersion(ctx, version, func() error { return other.publish(ctx, message) })
		if err != nil {
			return err
		}
		lastTheirs = append(lastTheirs, took)
	}
	f.b.printSide("api", ours, lastOurs)
	f.b.printSide("centrifuge", theirs, lastTheirs)
	f.b.printFigure("fanout_memory_ratio", ours.kilobytes()/theirs.kilobytes())
	f.b.printFigure("fanout_p99_ratio", float64(quantileOf(lastOurs, 0.99))/float64(quantileOf(lastTheirs, 0.99)))
	_, err = read.Exec(ctx, `UPDATE inventories SET version = $2 WHERE event_id = $1`, f.eventID, projected)
	return err
}

// saveHeap writes what is in the api's memory to a file, if there is a folder for profiles.
func (f *fanout) saveHeap(ctx context.Context) error {
	for _, name := range []string{"heap", "goroutine"} {
		file := f.b.profilePath("fanout-"+name, 0)
		if file == "" {
			return nil
		}
		url := fmt.Sprintf("http://127.0.0.1:%d/debug/pprof/%s?gc=1", f.cfg.MetricsPort, name)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		defer response.Body.Close() //nolint:errcheck // it was read
		profile, err := io.ReadAll(response.Body)
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		if err := os.WriteFile(file, profile, 0o600); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	return nil
}

func (b *bench) printSide(name string, c *crowd, last []time.Duration) {
	b.printf("  %-12s %d clients: %.1f KB each, last receiver p50 %.1f ms, p99 %.1f ms", name, len(c.clients), c.kilobytes(),
		milliseconds(quantileOf(last, 0.5)), milliseconds(quantileOf(last, 0.99)))
}

func quantileOf(all []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return measured{Latencies: sorted}.quantile(q)
}

// sellOut sells alone, and with a crowd watching.
func (f *fanout) sellOut(ctx context.Context) error {
	_, tokens, err := signInMany(ctx, "http://"+f.cfg.Addr(), "customer", fanoutSellers)
	if err != nil {
		return err
	}
	reservers := make([]*httpReserver, fanoutSellers)
	for i := range reservers {
		if reservers[i], err = newHTTPReserver(ctx, f.cfg.Addr(), tokens[i], f.eventID); err != nil {
			return err
		}
		defer reservers[i].close()
	}
	sell := func() (measured, error) {
		return closedLoop(ctx, fanoutSellers, time.Duration(f.b.rounds)*f.b.round, func(_ context.Context, client, n int) error {
			return reservers[client].reserveTwo(client, n)
		})
	}
	alone, err := sell()
	if err != nil {
		return err
	}
	c, err := openCrowd(ctx, f.api, f.b.crowd)
	if err != nil {
		return err
	}
	defer c.close()
	stop, err := c.followAnnouncements(ctx, f.cfg.RedisURL, announce.Channel(announce.Availability, f.eventID))
	if err != nil {
		return err
	}
	watched, err := sell()
	if err != nil {
		return errors.Join(err, stop())
	}
	if err := stop(); err != nil {
		return err
	}
	f.b.printf("  sales: %s alone, %s watched by %d", alone, watched, f.b.crowd)
	f.b.printFigure("fanout_10k_p99_ms", milliseconds(c.staleness(0.99)))
	f.b.printFigure("fanout_10k_kb_per_connection", c.kilobytes())
	f.b.printFigure("fanout_10k_sale_ratio", watched.perSecond()/alone.perSecond())
	return nil
}

// versionOf returns the inventory's version in a message, 0 if there is none.
func versionOf(message string) int64 {
	_, rest, found := strings.Cut(message, `"inventoryVersion":`)
	if !found {
		return 0
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	version, err := strconv.ParseInt(rest[:max(end, 0)], 10, 64)
	if err != nil {
		return 0
	}
	return version
}

// publish has centrifuge broadcast a message.
func (c *centrifugeChild) publish(ctx context.Context, message string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.address+"/publish", strings.NewReader(message))
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return response.Body.Close()
}
