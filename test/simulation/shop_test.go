package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
)

// outcome is what a client knows of its command.
type outcome struct {
	accepted, rejected bool // neither: it does not know
	keyed              bool
	ref                string // of the reservation
	at                 time.Duration
}

var errDown = errors.New("connection refused")

// pool returns a pool of a process for a database.
func (p *process) pool(db *database) *pgxpool.Pool {
	config := poolConfig().Copy()
	config.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		if !p.alive() {
			return nil, errDown
		}
		return db.open(p), nil
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		panic(err)
	}
	return pool
}

var poolConfig = sync.OnceValue(func() *pgxpool.Config {
	config, err := pgxpool.ParseConfig("postgres://simulation:none@127.0.0.1/simulation?sslmode=disable&pool_max_conns=4")
	if err != nil {
		panic(err)
	}
	return config
})

// logger is where the product logs: nowhere, unless the environment has VERBOSE.
var logger = sync.OnceValue(func() *slog.Logger {
	if os.Getenv("VERBOSE") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
})

// api is a process with an engine.
type api struct {
	*process
	*command.Service
}

// shop is a run in which customers reserve the seats of one event at several apis.
type shop struct {
	*world

	log     *database
	apis    []*api // of the world's mutex
	ends    sync.WaitGroup
	eventID string
	number  int // of processes, of the world's mutex
	hold    time.Duration
	// gateways returns how a process takes payments. Nil: it takes none.
	gateways func(*process) command.Gateways
	pools    []*pgxpool.Pool // that are closed when all processes have ended; of the world's mutex
	endedAt  time.Time
}

func newShop(seed uint64, from *state, more ...[]statement) *shop {
	w := newWorld(seed)
	return &shop{world: w, hold: time.Hour, log: w.addDatabase("log", from, slices.Concat(more, [][]statement{logStatements, relayStatements})...)}
}

// addProcess starts a process that runs until its context ends.
func (s *shop) addProcess(name string, replace func(), run func(ctx context.Context, p *process)) {
	ctx, cancel := context.WithCancel(context.Background())
	p := s.newProcess(name, replace, cancel)
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.mu.Unlock()
	s.ends.Go(func() { run(ctx, p) })
}

func (s *shop) newProcess(name string, replace, end func()) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return &process{world: s.world, name: fmt.Sprintf("%s%d", name, s.number), end: end, replace: replace}
}

// service returns the use cases of a process, on an engine that runs until the context ends.
func (s *shop) service(ctx context.Context, p *process) *command.Service {
	pool := p.pool(s.log)
	e := engine.New(engine.Config{Pool: pool, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Logger: logger()})
	s.ends.Go(func() {
		defer pool.Close()
		s.guard(func() error { return e.Run(ctx) })
	})
	c := command.Config{Engine: e, Hold: s.hold, Logger: logger()}
	if s.gateways != nil {
		c.Gateways = s.gateways(p)
	}
	return command.New(c)
}

// startAPI starts an api.
func (s *shop) startAPI() {
	ctx, cancel := context.WithCancel(context.Background())
	p := s.newProcess("api", s.startAPI, cancel)
	service := s.service(ctx, p)
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.apis = append(s.apis, &api{p, service})
	s.mu.Unlock()
}

// someAPI returns an api that is alive.
func (s *shop) someAPI(rng *rand.Rand) *api {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if a := s.apis[rng.IntN(len(s.apis))]; !a.dead {
			return a
		}
	}
}

// stop ends all processes, and then the scheduler.
func (s *shop) stop() { s.stopWith(func() {}) }

// stopWith calls more before it ends the scheduler.
func (s *shop) stopWith(more func()) {
	for _, p := range s.living() {
		p.end()
	}
	s.ends.Wait()
	for _, pool := range s.pools {
		pool.Close()
	}
	more()
	close(s.ended)
	<-s.finished
}

const seats = 6

// opened is a log in which an event is on sale.
var opened atomic.Pointer[shop]

// openShop returns the log of an event on sale, and its id.
func openShop(t *testing.T) (*state, string) {
	t.Helper()
	if opened.Load() == nil {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(0, newState("6f1a3f0e-54a5-4d0f-9d39-7a4f1f0f7c10"))
			go s.schedule()
			s.startAPI()
			system := commandtest.System{Service: s.apis[0].Service}
			s.eventID = system.OnSale(t, event.Create{StartsAt: time.Now().Add(24 * time.Hour)},
				commandtest.Seated("Stalls", 20_00, inventory.Row{Name: "A", Seats: seats}), commandtest.Standing("Floor", 4, 10_00))
			s.stop()
			require.Empty(t, s.violations)
			opened.Store(s)
		})
	}
	return opened.Load().log.committed, opened.Load().eventID
}

const (
	customers = 6
	mostTries = 200
)

// serve has the customers buy, at the same time.
func (s *shop) serve(seed uint64, buy func(c *customer, n int)) {
	var group sync.WaitGroup
	for i := range customers {
		group.Go(func() {
			c := &customer{shop: s, rng: rand.New(rand.NewPCG(seed, uint64(i)+2)), id: fmt.Sprintf("usr_%d", i)}
			for n := range 3 {
				buy(c, n)
			}
		})
	}
	group.Wait()
}

type customer struct {
	shop *shop
	rng  *rand.Rand
	id   string
}

// buy reserves, and gives back some of what was reserved.
func (c *customer) buy(n int) {
	if reserved := c.reserve(n); reserved.accepted && c.rng.IntN(2) > 0 {
		c.cancel(n, reserved.ref)
	}
}

func (c *customer) reserve(n int) outcome {
	items := []inventory.ReserveItem{commandtest.Seats("Stalls", fmt.Sprintf("A-%d", 1+c.rng.IntN(seats)))}
	if c.rng.IntN(3) == 0 {
		items = append(items, commandtest.Tickets("Floor", 1+c.rng.IntN(2)))
	}
	return c.do(fmt.Sprintf("%s-reserve-%d", c.id, n), func(ctx context.Context, a *api, by command.Caller) (string, error) {
		r, err := a.ReserveSeats(ctx, by, command.ReserveSeats{EventID: c.shop.eventID, Items: items})
		return r.ID, err
	})
}

func (c *customer) cancel(n int, reservationID string) {
	c.do(fmt.Sprintf("%s-cancel-%d", c.id, n), func(ctx context.Context, a *api, by command.Caller) (string, error) {
		r, err := a.CancelReservation(ctx, by, command.CancelReservation{ReservationID: reservationID})
		return r.ID, err
	})
}

// do tries a command, and keeps what became of it.
func (c *customer) do(id string, try func(context.Context, *api, command.Caller) (string, error)) outcome {
	o := c.repeat(id, try)
	c.shop.mu.Lock()
	defer c.shop.mu.Unlock()
	c.shop.outcomes[id] = o
	return o
}

// repeat tries a command until its outcome is known, or once if it has no idempotency key.
func (c *customer) repeat(id string, try func(context.Context, *api, command.Caller) (string, error)) (o outcome) {
	by := command.Caller{Principal: command.User(c.id), Trace: command.Trace{CorrelationID: id}}
	if o.keyed = c.rng.IntN(5) > 0; o.keyed {
		by.IdempotencyKey = id
	}
	for tries := 0; ; tries++ {
		time.Sleep(time.Duration(c.rng.Int64N(int64(300 * time.Millisecond))))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second+time.Duration(c.rng.Int64N(int64(20*time.Second))))
		a := c.shop.someAPI(c.rng)
		ref, err := try(ctx, a, by)
		cancel()
		_, rejected := rejection.As(err)
		switch {
		case !a.alive(): // its response was never sent
		case err == nil:
			o.accepted, o.ref = true, ref
		case rejected:
			o.rejected = true
		}
		if o.accepted || o.rejected || !o.keyed {
			break
		}
		if tries == mostTries {
			c.shop.violate("%s has no outcome after %d tries: %v", id, mostTries, err)
			break
		}
	}
	o.at = time.Since(began)
	return o
}
