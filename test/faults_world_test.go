package test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/network/networktest"
	"ticketing/internal/postgres"
	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// faultWorld is a platform of nine processes on servers of its own, with Stripe's double, and wires to cut between them.
type faultWorld struct {
	t        *testing.T
	env      map[string]string // without wires
	platform *platform         // for what looks at the whole
	members  []*member
	folder   string
	hasDisk  bool   // folder is a disk of its own
	dataDir  string // of server
	server   *services.Postgres
	redis    *testenv.RedisProc
	broker   *testenv.BrokerProc
	double   *stripetest.Server
	hooks    *lateHooks
	buyers   *buyers
	pending  sync.WaitGroup // of faults that end by themselves
	began    time.Time
	struck   map[string]int // how often each kind of fault has happened

	takeovers []time.Duration // of the log, each from a frozen api that had its lock
	failovers int
	restarts  atomic.Int64 // of processes that ended although nothing struck them
}

// member is a part's process, with wires of its own.
type member struct {
	w               *faultWorld
	name            string
	url             string // of an api, by the customers' wire
	metrics         string
	env             []string
	log             *os.File
	postgres, redis *networktest.Proxy
	stripe          *networktest.Proxy // nil where no part asks Stripe
	customers       *networktest.Proxy // to an api; nil for others

	atFirst footprint

	mu      sync.Mutex // held while the process is stopped, frozen or started
	process *process.Process
}

func newFaultWorld(t *testing.T, seed uint64) *faultWorld {
	t.Helper()
	folder, err := os.MkdirTemp("", "ticketing-faults-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	hasDisk := mountDisk(t, folder)
	require.NoError(t, os.Chmod(folder, 0o755))
	w := &faultWorld{t: t, folder: folder, hasDisk: hasDisk, dataDir: filepath.Join(folder, "postgres"), struck: map[string]int{},
		redis: testenv.RedisServer(t), broker: testenv.BrokerServer(t, 3), double: stripetest.New(t)}
	w.startPostgres()
	t.Cleanup(func() { _ = w.server.Kill() })
	w.env = withStripe(newEnvironmentOn(t, w.createDatabases(), w.redis.URL(), w.broker.Addrs()[0]), w.double)
	w.env["RESERVATION_HOLD"] = "10s"
	w.env["SHUTDOWN_DELAY"] = "1s"
	w.platform = newPlatformIn(t, w.env)
	for name, n := range map[string]int{"api": 3, "relay": 2, "projector": 2, "saga": 2} {
		for range n {
			w.members = append(w.members, w.newMember(name))
		}
	}
	slices.SortStableFunc(w.members, func(a, b *member) int { return strings.Compare(a.name, b.name) }) // what a seed hits is the same in each run
	w.hooks = newLateHooks(t, w.apis(), seed)
	w.double.SendTo(w.hooks.url + "/webhooks/stripe")
	for _, m := range w.members {
		m.start()
		go m.supervise()
	}
	w.buyers = newBuyers(t, w.apis(), seed)
	w.began = time.Now()
	return w
}

func (w *faultWorld) startPostgres() {
	ctx, cancel := context.WithTimeout(context.Background(), testenv.Patience)
	defer cancel()
	server, err := services.StartPostgres(ctx, services.PostgresConfig{DataDir: w.dataDir})
	require.NoError(w.t, err)
	w.server = server
}

func (w *faultWorld) createDatabases() (db testenv.DB) {
	for name, at := range map[string]*string{"events": &db.Events, "read": &db.Read, "auth": &db.Auth} {
		require.NoError(w.t, postgres.EnsureDatabase(w.t.Context(), w.server.URL(), name))
		var err error
		*at, err = postgres.WithDatabase(w.server.URL(), name)
		require.NoError(w.t, err)
	}
	return db
}

// newMember makes a part with wires of its own to PostgreSQL, Redis and Stripe, and from customers. (Kafka's clients connect to the addresses that
// a broker names, so there is no wire to it.)
func (w *faultWorld) newMember(name string) *member {
	w.t.Helper()
	m := &member{w: w, name: name}
	env := maps.Clone(w.env)
	m.postgres = w.wireTo("DATABASE_URL", env)
	m.redis = w.wireTo("REDIS_URL", env)
	if name == "api" || name == "saga" {
		m.stripe = w.wireTo("STRIPE_API_BASE", env)
	}
	for variable, address := range map[string]*string{"PORT": &m.url, "METRICS_PORT": &m.metrics} {
		port, err := services.FreePort()
		require.NoError(w.t, err)
		env[variable], *address = strconv.Itoa(port), fmt.Sprintf("127.0.0.1:%d", port)
	}
	if name == "api" {
		m.customers = networktest.NewProxy(w.t, m.url)
		m.url = "http://" + m.customers.Address()
	}
	for variable, value := range env {
		m.env = append(m.env, variable+"="+value)
	}
	var err error
	m.log, err = os.Create(filepath.Join(w.t.ArtifactDir(), fmt.Sprintf("%s%d.log", name, len(w.members))))
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.process != nil {
			_ = m.process.Kill()
		}
		_ = m.log.Close()
	})
	return m
}

// wireTo returns a wire to the server that a variable names, and has all variables that name it lead there by the wire.
func (w *faultWorld) wireTo(variable string, env map[string]string) *networktest.Proxy {
	w.t.Helper()
	address, err := url.Parse(env[variable])
	require.NoError(w.t, err)
	wire := networktest.NewProxy(w.t, address.Host)
	for name, value := range env {
		env[name] = strings.Replace(value, address.Host, wire.Address(), 1)
	}
	return wire
}

// wires returns those that there are.
func (m *member) wires() []*networktest.Proxy {
	return slices.DeleteFunc([]*networktest.Proxy{m.postgres, m.redis, m.stripe, m.customers}, func(p *networktest.Proxy) bool { return p == nil })
}

// start starts the process. Its caller holds the lock, except before the first fault.
func (m *member) start() {
	child, err := process.Start(process.Spec{Path: m.w.platform.programPath(m.name), Env: m.env, Stdout: m.log, Stderr: m.log})
	if err != nil {
		m.w.t.Errorf("start %s: %v", m.name, err)
		return
	}
	m.process = child
}

// supervise starts the part again when it has given up, as each deployment does: one whose servers are away when it starts may end.
func (m *member) supervise() {
	for {
		m.mu.Lock()
		watched := m.process
		m.mu.Unlock()
		select {
		case <-watched.Done():
		case <-m.w.t.Context().Done():
			return
		}
		m.mu.Lock()
		if m.process == watched && m.w.t.Context().Err() == nil { // no fault has started it again
			m.w.restarts.Add(1)
			m.start()
		}
		failed := m.process == watched
		m.mu.Unlock()
		if failed {
			return
		}
	}
}

func (w *faultWorld) apis() (urls []string) {
	for _, m := range w.members {
		if m.name == "api" {
			urls = append(urls, m.url)
		}
	}
	return urls
}

func toPostgres(m *member) *networktest.Proxy    { return m.postgres }
func toRedis(m *member) *networktest.Proxy       { return m.redis }
func toStripe(m *member) *networktest.Proxy      { return m.stripe }
func fromCustomers(m *member) *networktest.Proxy { return m.customers }

func (w *faultWorld) anyMember(from *rand.Rand) *member { return w.members[from.IntN(len(w.members))] }

// anyWire returns a wire of a kind, of any member that has one.
func (w *faultWorld) anyWire(from *rand.Rand, kind func(*member) *networktest.Proxy) *networktest.Proxy {
	for {
		if wire := kind(w.anyMember(from)); wire != nil {
			return wire
		}
	}
}

// heal ends all faults.
func (w *faultWorld) heal() {
	w.pending.Wait()
	w.double.Heal()
	for _, m := range w.members {
		m.mu.Lock()
		for _, wire := range m.wires() {
			wire.Resume()
			wire.Slow(0)
		}
		m.mu.Unlock()
	}
}
