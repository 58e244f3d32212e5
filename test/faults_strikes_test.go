package test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/network/networktest"
	"ticketing/internal/testenv"
)

// meanwhile does something beside the schedule.
func (w *faultWorld) meanwhile(do func()) { w.pending.Go(do) }

func drawMillis(from *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+from.IntN(most-least)) * time.Millisecond
}

func (w *faultWorld) slowDown(wire *networktest.Proxy, from *rand.Rand) bool {
	delay, lasts := drawMillis(from, 1, 50), drawMillis(from, 100, 1_500)
	wire.Slow(delay)
	w.meanwhile(func() {
		time.Sleep(lasts)
		wire.Slow(0)
	})
	return true
}

func (w *faultWorld) hang(wire *networktest.Proxy, from *rand.Rand) bool {
	lasts := drawMillis(from, 100, 3_000)
	wire.Hang()
	w.meanwhile(func() {
		time.Sleep(lasts)
		wire.Resume()
	})
	return true
}

// endSession ends any session of the platform.
func (w *faultWorld) endSession(from *rand.Rand) bool {
	ended := w.query(`SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
		WHERE datname IN ('events', 'read', 'auth') AND pid <> pg_backend_pid() ORDER BY pid OFFSET $1 LIMIT 1) s`, from.IntN(40))
	return ended > 0
}

// query returns how many rows there are; none if the server is just down.
func (w *faultWorld) query(sql string, args ...any) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.env["DATABASE_URL"])
	if err != nil {
		return 0
	}
	defer conn.Close(ctx)
	tag, _ := conn.Exec(ctx, sql, args...)
	return tag.RowsAffected()
}

// loseCall has the next call of a kind go wrong. The double counts those that did.
func (w *faultWorld) loseCall(from *rand.Rand) bool {
	on := []string{"POST /v1/payment_intents", "/confirm", "GET /v1/payment_intents", "/v1/refunds"}[from.IntN(4)]
	w.double.Inject([]stripetest.Fault{{On: on, LoseAnswer: true}, {On: on, Status: http.StatusInternalServerError}, {On: on, Status: http.StatusTooManyRequests}}[from.IntN(3)])
	return false
}

func (w *faultWorld) freezeMember(from *rand.Rand) bool {
	m, lasts := w.anyMember(from), drawMillis(from, 50, 4_000)
	w.meanwhile(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.process.Signal(syscall.SIGSTOP)
		time.Sleep(lasts)
		_ = m.process.Signal(syscall.SIGCONT)
	})
	return true
}

func (w *faultWorld) killMember(from *rand.Rand) bool {
	m, away := w.anyMember(from), drawMillis(from, 0, 2_000)
	w.meanwhile(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.process.Kill()
		time.Sleep(away)
		m.start()
	})
	return true
}

func (w *faultWorld) stopMember(from *rand.Rand) bool {
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
	return true
}

func (w *faultWorld) emptyRedis() bool {
	options, err := redis.ParseURL(w.redis.URL())
	require.NoError(w.t, err)
	client := redis.NewClient(options)
	defer client.Close()
	return client.FlushAll(context.Background()).Err() == nil
}

func (w *faultWorld) killRedis() bool {
	w.redis.Kill()
	w.redis.Start()
	return true
}

func (w *faultWorld) killBroker(from *rand.Rand) bool {
	w.broker.Kill()
	time.Sleep(drawMillis(from, 0, 1_000))
	w.broker.Start()
	return true
}

func (w *faultWorld) freezeBroker(from *rand.Rand) bool {
	w.broker.Freeze()
	time.Sleep(drawMillis(from, 50, 3_000))
	w.broker.Unfreeze()
	return true
}

func (w *faultWorld) deleteTopics() bool {
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.Addrs()...))
	require.NoError(w.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = kadm.NewClient(client).DeleteTopics(ctx, testenv.Topics()...)
	return err == nil
}

// restartPostgres has PostgreSQL end its sessions and stop, or crash.
func (w *faultWorld) restartPostgres(orderly bool) bool {
	if orderly {
		ctx, cancel := context.WithTimeout(context.Background(), testenv.Patience)
		defer cancel()
		require.NoError(w.t, w.server.Stop(ctx))
	} else {
		require.NoError(w.t, w.server.Kill())
	}
	w.startPostgres()
	return true
}
