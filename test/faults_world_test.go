package test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
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

	longestTakeover time.Duration
	takeovers       int
	failovers       int
}

// member is a part's process, with wires of its own.
type member struct {
	w               *faultWorld
	name            string
	url             string // of an api
	env             []string
	log             *os.File
	postgres, redis *networktest.Proxy

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

// newMember makes a part that reaches PostgreSQL and Redis through wires of its own. (Kafka's clients connect to the addresses that a broker
// names, so there is no wire to it.)
func (w *faultWorld) newMember(name string) *member {
	w.t.Helper()
	m := &member{w: w, name: name}
	direct, err := url.Parse(w.env["DATABASE_URL"])
	require.NoError(w.t, err)
	cache, err := url.Parse(w.env["REDIS_URL"])
	require.NoError(w.t, err)
	m.postgres, m.redis = networktest.NewProxy(w.t, direct.Host), networktest.NewProxy(w.t, cache.Host)
	for variable, value := range w.env {
		value = strings.Replace(value, direct.Host, m.postgres.Address(), 1)
		if variable == "REDIS_URL" {
			value = strings.Replace(value, cache.Host, m.redis.Address(), 1)
		}
		if variable != "PORT" {
			m.env = append(m.env, variable+"="+value)
		}
	}
	for _, variable := range []string{"PORT", "METRICS_PORT"} {
		port, err := services.FreePort()
		require.NoError(w.t, err)
		m.env = append(m.env, variable+"="+strconv.Itoa(port))
		if variable == "PORT" {
			m.url = fmt.Sprintf("http://127.0.0.1:%d", port)
		}
	}
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

func (w *faultWorld) anyMember(from *rand.Rand) *member { return w.members[from.IntN(len(w.members))] }

// meanwhile does something beside the schedule.
func (w *faultWorld) meanwhile(do func()) { w.pending.Go(do) }

func drawMillis(from *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+from.IntN(most-least)) * time.Millisecond
}

func (w *faultWorld) slowDown(wire *networktest.Proxy, from *rand.Rand) {
	delay, lasts := drawMillis(from, 1, 50), drawMillis(from, 100, 1_500)
	wire.Slow(delay)
	w.meanwhile(func() {
		time.Sleep(lasts)
		wire.Slow(0)
	})
}

func (w *faultWorld) hang(wire *networktest.Proxy, from *rand.Rand) {
	lasts := drawMillis(from, 100, 3_000)
	wire.Hang()
	w.meanwhile(func() {
		time.Sleep(lasts)
		wire.Resume()
	})
}

// endSession ends any session of the platform.
func (w *faultWorld) endSession(from *rand.Rand) {
	w.query(`SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
		WHERE datname IN ('events', 'read', 'auth') AND pid <> pg_backend_pid() ORDER BY pid OFFSET $1 LIMIT 1) s`, from.IntN(40))
}

// query does without a server that is just down.
func (w *faultWorld) query(sql string, args ...any) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.env["DATABASE_URL"])
	if err != nil {
		return
	}
	defer conn.Close(ctx)
	_, _ = conn.Exec(ctx, sql, args...)
}

func (w *faultWorld) loseCall(from *rand.Rand) {
	on := []string{"POST /v1/payment_intents", "/confirm", "GET /v1/payment_intents", "/v1/refunds"}[from.IntN(4)]
	w.double.Inject([]stripetest.Fault{{On: on, LoseAnswer: true}, {On: on, Status: http.StatusInternalServerError}, {On: on, Status: http.StatusTooManyRequests}}[from.IntN(3)])
}

func (w *faultWorld) freezeMember(from *rand.Rand) {
	m, lasts := w.anyMember(from), drawMillis(from, 50, 4_000)
	w.meanwhile(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.process.Signal(syscall.SIGSTOP)
		time.Sleep(lasts)
		_ = m.process.Signal(syscall.SIGCONT)
	})
}

func (w *faultWorld) killMember(from *rand.Rand) {
	m, away := w.anyMember(from), drawMillis(from, 0, 2_000)
	w.meanwhile(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.process.Kill()
		time.Sleep(away)
		m.start()
	})
}

func (w *faultWorld) stopMember(from *rand.Rand) {
	m := w.anyMember(from)
	w.meanwhile(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), testenv.Patience)
		defer cancel()
		if err := m.process.Stop(ctx, syscall.SIGTERM); err != nil {
			w.t.Errorf("%s did not stop: %v", m.name, err)
		}
		m.start()
	})
}

func (w *faultWorld) emptyRedis() {
	options, err := redis.ParseURL(w.redis.URL())
	require.NoError(w.t, err)
	client := redis.NewClient(options)
	defer client.Close()
	_ = client.FlushAll(context.Background()).Err()
}

func (w *faultWorld) killRedis() {
	w.redis.Kill()
	w.redis.Start()
}

func (w *faultWorld) killBroker(from *rand.Rand) {
	w.broker.Kill()
	time.Sleep(drawMillis(from, 0, 1_000))
	w.broker.Start()
}

func (w *faultWorld) deleteTopics() {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Addrs()...))
	require.NoError(w.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _ = kadm.NewClient(client).DeleteTopics(ctx, testenv.Topics()...)
}

// restartPostgres has PostgreSQL end its sessions and stop, or crash.
func (w *faultWorld) restartPostgres(orderly bool) {
	if orderly {
		ctx, cancel := context.WithTimeout(context.Background(), testenv.Patience)
		defer cancel()
		require.NoError(w.t, w.server.Stop(ctx))
	} else {
		require.NoError(w.t, w.server.Kill())
	}
	w.startPostgres()
}

// freezeHolder freezes an api that has the log's lock, and measures how long the others do not append. All apis wait for the lock while the test
// has it; the first in the queue is frozen and then gets it.
func (w *faultWorld) freezeHolder() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*testenv.Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.env["DATABASE_URL"])
	if err != nil {
		return
	}
	defer conn.Close(context.Background())
	watching, err := pgx.Connect(ctx, w.env["DATABASE_URL"])
	if err != nil {
		return
	}
	defer watching.Close(context.Background())
	tx, err := conn.Begin(ctx)
	if err != nil {
		return
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard)); err != nil {
		return
	}
	var port int
	for range 40 { // less than the time for which an api waits before it looks who has the lock
		err = watching.QueryRow(ctx, `SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND NOT granted
			AND application_name = 'ticketing engine' ORDER BY waitstart LIMIT 1`).Scan(&port)
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, m := range w.members {
		if m.name == "api" && port != 0 && m.postgres.Carries(port) && m.mu.TryLock() {
			_ = m.process.Signal(syscall.SIGSTOP)
			_ = tx.Rollback(ctx)
			var holds bool // else it had just given up a try to take the lock
			const has = `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND client_port = $1)`
			if watching.QueryRow(ctx, has, port).Scan(&holds) == nil && holds {
				w.measureTakeover(ctx, watching, port)
			}
			_ = m.process.Signal(syscall.SIGCONT)
			m.mu.Unlock()
			return
		}
	}
	_ = tx.Rollback(ctx)
}

// measureTakeover measures how long apis that have something to append wait for a frozen one. When none has, it ends with the frozen one's session.
func (w *faultWorld) measureTakeover(ctx context.Context, conn *pgx.Conn, port int) {
	const look = `SELECT (SELECT coalesce(max(position), 0) FROM domain_events), count(*) FILTER (WHERE NOT granted) > 0,
			count(*) FILTER (WHERE granted AND client_port = $1) > 0
		FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND application_name = 'ticketing engine'`
	var before, now int64
	var waited, held bool
	var began time.Time
	for held = true; held || !began.IsZero(); time.Sleep(5 * time.Millisecond) { // faults have goroutines of their own, which may not end the test
		if conn.QueryRow(ctx, look, port).Scan(&now, &waited, &held) != nil {
			return // another fault was faster
		}
		switch {
		case began.IsZero() && waited:
			began, before = time.Now(), now
		case !began.IsZero() && now > before:
			w.takeovers++
			w.longestTakeover = max(w.longestTakeover, time.Since(began))
			return
		case !began.IsZero() && time.Since(began) > testenv.Patience:
			w.t.Error("no api takes the log over from a frozen one")
			return
		}
	}
}

// heal ends all faults.
func (w *faultWorld) heal() {
	w.pending.Wait()
	w.double.Heal()
	for _, m := range w.members {
		m.mu.Lock()
		for _, wire := range []*networktest.Proxy{m.postgres, m.redis} {
			wire.Resume()
			wire.Slow(0)
		}
		m.mu.Unlock()
	}
}

// requireNothingLeaked requires that each process runs, with as many files open and as much memory as a process may have that has been through
// so much.
func (w *faultWorld) requireNothingLeaked() {
	const mostFiles, mostMemory = 300, 400 << 20
	for i, m := range w.members {
		m.mu.Lock()
		running := m.process
		m.mu.Unlock()
		require.NoError(w.t, running.Err(), m.name)
		pid := strconv.Itoa(running.PID())
		files, err := os.ReadDir(filepath.Join("/proc", pid, "fd"))
		require.NoError(w.t, err)
		statm, err := os.ReadFile(filepath.Join("/proc", pid, "statm"))
		require.NoError(w.t, err)
		var size, resident int
		_, err = fmt.Sscan(string(statm), &size, &resident)
		require.NoError(w.t, err)
		w.t.Logf("%s %d: %d files, %d MiB", m.name, i, len(files), resident*os.Getpagesize()>>20)
		require.Less(w.t, len(files), mostFiles, m.name)
		require.Less(w.t, resident*os.Getpagesize(), mostMemory, m.name)
	}
}

// lateHooks passes webhooks on, some of them twice, and some late and so behind later ones.
type lateHooks struct {
	url         string
	mu          sync.Mutex
	from        *rand.Rand
	twice, late int
}

func newLateHooks(t *testing.T, apis []string, seed uint64) *lateHooks {
	t.Helper()
	h := &lateHooks{from: rand.New(rand.NewPCG(seed, 1<<32))}
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		copies, delay, to := h.draw(len(apis))
		time.Sleep(delay)
		status := http.StatusBadGateway
		for range copies {
			status = forwardHook(r.Context(), apis[to]+r.URL.Path, body, r.Header)
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(web.Close)
	h.url = web.URL
	return h
}

func (h *lateHooks) draw(apis int) (copies int, delay time.Duration, to int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	copies, to = 1, h.from.IntN(apis)
	switch h.from.IntN(4) {
	case 0:
		copies = 2
		h.twice++
	case 1:
		delay = drawMillis(h.from, 100, 5_000)
		h.late++
	}
	return copies, delay, to
}

func (h *lateHooks) counts() (twice, late int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.twice, h.late
}

func forwardHook(ctx context.Context, to string, body []byte, header http.Header) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(string(body)))
	if err != nil {
		return http.StatusBadGateway
	}
	request.Header = header.Clone()
	response, err := httpClient.Do(request)
	if err != nil {
		return http.StatusBadGateway
	}
	defer response.Body.Close()
	return response.StatusCode
}
