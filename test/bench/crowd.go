package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// side is a server that sends what changed to WebSockets.
type side struct {
	url         string
	subprotocol string // "" for none
	pid         int
	greeting    []string // what a client sends to subscribe
}

func subscribeMessage(eventID string) string {
	text, _ := json.Marshal(map[string]any{ //nolint:errchkjson // texts
		"id": "1", "type": "subscribe", "payload": map[string]any{"query": watchQuery, "variables": map[string]any{"id": eventID}},
	})
	return string(text)
}

// crowd are clients that watch one event.
type crowd struct {
	side    side
	before  int // bytes of the server's memory without them
	clients []*crowdClient
	cancel  context.CancelFunc
	reading sync.WaitGroup

	mu        sync.Mutex
	newest    int64               // version
	last      string              // message, which has it
	awaited   int64               // a version
	missing   int                 // clients that don't have it
	all       chan struct{}       // closed once none is missing
	announced map[int64]time.Time // when each version was announced
	late      []time.Duration     // how old the oldest change in each message was
}

// openCrowd connects clients. Each has subscribed when it returns.
func openCrowd(ctx context.Context, of side, n int) (*crowd, error) {
	ctx, cancel := context.WithCancel(ctx)
	c := &crowd{side: of, clients: make([]*crowdClient, n), cancel: cancel, announced: map[int64]time.Time{}}
	var err error
	if c.before, err = memoryOf(of.pid); err != nil {
		return c, err
	}
	const atATime = 64
	var g errgroup.Group
	g.SetLimit(atATime)
	for i := range c.clients {
		g.Go(func() (err error) {
			c.clients[i], err = openCrowdClient(of)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		c.close()
		return c, err
	}
	poll, err := pollCrowd(c.clients)
	if err != nil {
		c.close()
		return c, err
	}
	c.reading.Go(func() {
		defer syscall.Close(poll) //nolint:errcheck // nothing is lost
		readCrowd(ctx, poll, c.clients, c.receive)
	})
	return c, nil
}

// receive is called with each message.
func (c *crowd) receive(w *crowdClient, data []byte) {
	for line := range bytes.Lines(data) { // centrifuge may send several messages in a frame
		line = bytes.TrimSuffix(line, []byte("\n"))
		if string(line) == "{}" { // its ping
			_ = w.send(textFrame, line)
		} else if version := versionOf(string(line)); version > 0 {
			c.note(w, version, line)
		}
	}
}

// note notes that a client got a version.
func (c *crowd) note(w *crowdClient, version int64, data []byte) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	had := w.received
	w.received = version
	if version == c.awaited && had < version {
		if c.missing--; c.missing == 0 {
			close(c.all)
		}
	}
	if version > c.newest {
		c.newest, c.last = version, string(data)
	}
	for v := had + 1; v <= version && had > 0; v++ {
		if at, known := c.announced[v]; known {
			c.late = append(c.late, now.Sub(at))
			break
		}
	}
}

// awaitVersion changes something, and returns how long it took until the last client had the version.
func (c *crowd) awaitVersion(ctx context.Context, version int64, change func() error) (time.Duration, error) {
	all := make(chan struct{})
	c.mu.Lock()
	c.awaited, c.missing, c.all = version, 0, all
	for _, w := range c.clients {
		if w.received < version { // the others had it from a read that was due, before it was announced
			c.missing++
		}
	}
	if c.missing == 0 {
		close(all)
	}
	c.mu.Unlock()
	began := time.Now()
	if err := change(); err != nil {
		return 0, err
	}
	select {
	case <-all:
		return time.Since(began), nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		return 0, fmt.Errorf("%d clients never got version %d: %w", c.missing, version, ctx.Err())
	}
}

// lastMessage returns the payload of the message with the awaited version.
func (c *crowd) lastMessage() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, payload, _ := strings.Cut(c.last, `"payload":`)
	return strings.TrimSuffix(payload, "}")
}

// followAnnouncements notes when versions are announced.
func (c *crowd) followAnnouncements(ctx context.Context, url, channel string) (stop func() error, err error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("read the URL of Redis: %w", err)
	}
	rdb := redis.NewClient(options)
	announcements := rdb.Subscribe(ctx, channel)
	if _, err := announcements.Receive(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("subscribe to announcements: %w", err), rdb.Close())
	}
	messages := announcements.Channel()
	var following sync.WaitGroup
	following.Go(func() {
		for m := range messages {
			if version, err := strconv.ParseInt(m.Payload, 10, 64); err == nil {
				c.mu.Lock()
				c.announced[version] = time.Now()
				c.mu.Unlock()
			}
		}
	})
	return func() error {
		err := announcements.Close()
		following.Wait()
		return errors.Join(err, rdb.Close())
	}, nil
}

// staleness returns how long clients waited for what changed.
func (c *crowd) staleness(q float64) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return quantileOf(c.late, q)
}

// kilobytes returns how much memory of the server a client takes.
func (c *crowd) kilobytes() float64 {
	now, err := memoryOf(c.side.pid)
	if err != nil {
		return 0
	}
	const kilobyte = 1 << 10
	return float64(now-c.before) / float64(len(c.clients)) / kilobyte
}

func (c *crowd) close() {
	c.cancel()
	c.reading.Wait()
	for _, w := range c.clients {
		if w != nil {
			_ = syscall.Close(w.fd)
		}
	}
}

// memoryOf returns the resident bytes of a process.
func memoryOf(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 { //nolint:mnd // the second is the resident size
		return 0, fmt.Errorf("read the memory of a process: %q", text)
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	return pages * os.Getpagesize(), nil
}

// raiseFileLimit lets this process, and those that it starts, open as many connections as the system allows.
func raiseFileLimit(connections int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	const others = 1_000
	if limit.Cur < uint64(connections+others) { //nolint:gosec // an option
		return fmt.Errorf("this system allows %d open files; %d connections need %d (ulimit -n)", limit.Cur, connections, connections+others)
	}
	return nil
}
