package isolation

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/cmd/parts"
	"ticketing/internal/config"
)

// childVariable is set in the environment of a copy of this test binary that is a part of the platform, or a party.
const childVariable = "TICKETING_ISOLATION_CHILD"

// profiles names a folder into which each child writes a CPU profile, if it is set.
const profiles = "ISOLATION_PROFILES"

// child is what such a copy does until its stdin ends.
type child struct {
	Part  string            // of the platform
	Env   map[string]string // of the part
	Party string            // by name
	Plan  plan              // of the party
}

// plan is what a party works with.
type plan struct {
	URL      string
	Clients  []client
	Events   []string
	Payments []string
}

func TestMain(m *testing.M) {
	text, isChild := os.LookupEnv(childVariable)
	if !isChild {
		os.Exit(m.Run())
	}
	if err := runChild(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runChild(text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("read the child's work: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if folder := os.Getenv(profiles); folder != "" {
		file, err := os.Create(filepath.Join(folder, c.Part+c.Party+".pprof"))
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	if c.Party == "" {
		return runPart(ctx, c)
	}
	all := parties()
	i := slices.IndexFunc(all, func(p party) bool { return p.name == c.Party })
	attacker := &attacker{plan: c.Plan, ctx: ctx, outcomes: map[string]int{}}
	attacker.run(all[i])
	return json.NewEncoder(os.Stdout).Encode(attacker.outcomes)
}

func runPart(ctx context.Context, c child) error {
	cfg, err := config.Load(c.Env)
	if err != nil {
		return err
	}
	e := parts.Env{Config: cfg, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), Registry: prometheus.NewRegistry()}
	switch c.Part {
	case "api":
		listener, listenErr := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Port)))
		if listenErr != nil {
			return listenErr
		}
		err = parts.API(ctx, e, listener)
	case "relay":
		err = parts.Relay(ctx, e)
	case "projector":
		err = parts.Projector(ctx, e)
	case "saga":
		err = parts.Saga(ctx, e)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// startChild starts a copy of this binary. stop, which the end of the test calls too, returns what it printed.
func startChild(t *testing.T, c child) (stop func() string) {
	t.Helper()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	program := []string{os.Args[0]}
	if c.Party != "" {
		program = []string{"nice", "-n", "19", os.Args[0]}
	}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), program[0], program[1:]...)
	command.Env = append(os.Environ(), childVariable+"="+string(text))
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	require.NoError(t, err)
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	stop = sync.OnceValue(func() string {
		_ = stdin.Close()
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		if err := command.Wait(); err != nil {
			t.Errorf("%s%s: %v", c.Part, c.Party, err)
		}
		return strings.TrimSpace(line)
	})
	t.Cleanup(func() { stop() })
	return stop
}

// attacker is a party at work.
type attacker struct {
	plan

	ctx context.Context // that of the process

	mu       sync.Mutex
	outcomes map[string]int // attacks by their error
}

// paused is how long a worker waits between two attacks: a client far away does not come sooner.
const paused = 5 * time.Millisecond

func (a *attacker) run(p party) {
	var workers sync.WaitGroup
	for worker := range p.workers {
		workers.Go(func() {
			for a.ctx.Err() == nil {
				a.count(p.attack(a, worker))
				_ = pause(a.ctx, paused)
			}
		})
	}
	workers.Wait()
}

func (a *attacker) count(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	outcome := "done"
	if err != nil {
		outcome = err.Error()[:min(len(err.Error()), 80)]
	}
	if _, known := a.outcomes[outcome]; !known && len(a.outcomes) >= 10 {
		outcome = "other"
	}
	a.outcomes[outcome]++
}

// measureBeside measures while a party is at work.
func (h *house) measureBeside(p party, probes []probe) latencies {
	h.t.Helper()
	plan := p.prepare(h)
	plan.URL = h.url
	h.awaitIdle()
	stop := startChild(h.t, child{Party: p.name, Plan: plan})
	loaded := measure(h.t, probes, loadTime)
	var outcomes map[string]int
	require.NoError(h.t, json.Unmarshal([]byte(stop()), &outcomes))
	require.NotEmpty(h.t, outcomes, "the party did nothing")
	h.t.Logf("%s: %v", p.name, outcomes)
	return loaded
}
