package test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// faultPlan is what a run of faults is made of. The same plan has the same faults in the same order.
type faultPlan struct {
	seed     uint64
	duration time.Duration
	most     int           // faults
	pause    time.Duration // between two faults, on average
	only     string        // part of the names of the kinds that happen
}

func readFaultPlan(t *testing.T) faultPlan {
	t.Helper()
	if os.Getenv("FAULTS") == "" {
		t.Skip("make test-faults runs it")
	}
	p := faultPlan{seed: uint64(time.Now().UnixNano()) % 1_000_000, duration: time.Minute, most: 1_000_000, pause: 100 * time.Millisecond}
	var err error
	for name, parse := range map[string]func(string){
		"SEED":     func(s string) { p.seed, err = strconv.ParseUint(s, 10, 64) },
		"DURATION": func(s string) { p.duration, err = time.ParseDuration(s) },
		"MOST":     func(s string) { p.most, err = strconv.Atoi(s) },
		"PAUSE":    func(s string) { p.pause, err = time.ParseDuration(s) },
		"ONLY":     func(s string) { p.only = s },
	} {
		if text := os.Getenv(name); text != "" {
			parse(text)
			require.NoError(t, err, name)
		}
	}
	return p
}

// fault is a kind of fault. It draws what it hits from a source of its own, so that a run can be replayed.
type fault struct {
	name   string
	weight int // how often it happens, of the sum of all
	strike func(w *faultWorld, from *rand.Rand)
}

// Faults that end by themselves are frequent; those after which a server starts again leave time to sell.
var faults = []fault{
	{"connections to PostgreSQL cut", 240, func(w *faultWorld, from *rand.Rand) { w.anyMember(from).postgres.Cut() }},
	{"connections to Redis cut", 120, func(w *faultWorld, from *rand.Rand) { w.anyMember(from).redis.Cut() }},
	{"session of PostgreSQL ended", 200, (*faultWorld).endSession},
	{"wire to PostgreSQL slow", 80, func(w *faultWorld, from *rand.Rand) { w.slowDown(w.anyMember(from).postgres, from) }},
	{"wire to Redis slow", 40, func(w *faultWorld, from *rand.Rand) { w.slowDown(w.anyMember(from).redis, from) }},
	{"connections to PostgreSQL silent", 30, func(w *faultWorld, from *rand.Rand) { w.anyMember(from).postgres.Silence() }},
	{"connections to Redis silent", 20, func(w *faultWorld, from *rand.Rand) { w.anyMember(from).redis.Silence() }},
	{"PostgreSQL hangs for one process", 10, func(w *faultWorld, from *rand.Rand) { w.hang(w.anyMember(from).postgres, from) }},
	{"Redis hangs for one process", 10, func(w *faultWorld, from *rand.Rand) { w.hang(w.anyMember(from).redis, from) }},
	{"call of Stripe lost", 100, (*faultWorld).loseCall},
	{"process frozen", 60, (*faultWorld).freezeMember},
	{"api frozen with the log's lock", 4, func(w *faultWorld, _ *rand.Rand) { w.freezeHolder() }},
	{"process killed", 24, (*faultWorld).killMember},
	{"process stopped", 6, (*faultWorld).stopMember},
	{"Redis emptied", 6, func(w *faultWorld, _ *rand.Rand) { w.emptyRedis() }},
	{"Redis killed", 2, func(w *faultWorld, _ *rand.Rand) { w.killRedis() }},
	{"broker killed", 3, func(w *faultWorld, from *rand.Rand) { w.killBroker(from) }},
	{"topics deleted", 1, func(w *faultWorld, _ *rand.Rand) { w.deleteTopics() }},
	{"PostgreSQL stopped", 2, func(w *faultWorld, _ *rand.Rand) { w.restartPostgres(true) }},
	{"PostgreSQL killed", 2, func(w *faultWorld, _ *rand.Rand) { w.restartPostgres(false) }},
	{"disk of PostgreSQL full", 2, (*faultWorld).fillDisk},
	{"failover to a standby", 1, (*faultWorld).failOver},
}

// pickFault returns the nth fault of a plan and what it draws from.
func (p faultPlan) pickFault(n uint64) (fault, *rand.Rand) {
	from := rand.New(rand.NewPCG(p.seed, n))
	faults := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.name, p.only) })
	sum := 0
	for _, f := range faults {
		sum += f.weight
	}
	at := from.IntN(sum)
	for _, f := range faults {
		if at -= f.weight; at < 0 {
			return f, from
		}
	}
	panic("unreachable")
}

// TestFaults has customers buy on a platform of nine processes while a schedule of faults goes on, and requires that nothing was lost, doubled,
// oversold, or kept without a reason. `make test-faults DURATION=30m SEED=7` replays a schedule.
func TestFaults(t *testing.T) {
	plan := readFaultPlan(t)
	t.Logf("seed %d, for %s", plan.seed, plan.duration)
	w := newFaultWorld(t, plan.seed)
	t.Cleanup(func() {
		w.print()
		if t.Failed() {
			t.Logf("to replay it: make test-faults SEED=%d DURATION=%s PAUSE=%s ONLY='%s'", plan.seed, plan.duration, plan.pause, plan.only)
		}
	})
	w.startSelling()
	for n := 0; n < plan.most && time.Since(w.began) < plan.duration; n++ {
		f, from := plan.pickFault(uint64(n))
		w.strikeOnce(f, from)
		time.Sleep(time.Duration(from.Int64N(int64(2 * plan.pause)))) // the schedule itself; nothing is awaited
	}
	w.heal()
	w.stopSelling()
	w.requireSound()
	w.requireNothingLeaked()
}

func (w *faultWorld) strikeOnce(f fault, from *rand.Rand) {
	w.struck[f.name]++
	f.strike(w, from)
}

// print prints what a run did.
func (w *faultWorld) print() {
	var out strings.Builder
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(w.struck)) {
		sum += w.struck[name]
		fmt.Fprintf(&out, "%8d  %s\n", w.struck[name], name)
	}
	twice, late := w.hooks.counts()
	sum += twice + late
	fmt.Fprintf(&out, "%8d  webhook sent twice\n%8d  webhook late, behind later ones\n%8d  faults in %s\n", twice, late, sum, time.Since(w.began).Round(time.Second))
	b := w.buyers
	fmt.Fprintf(&out, "%8d  commands with an outcome; reserved %d, paid %d, cancelled %d, refused %d; sent again %d times\n",
		b.commands.Load(), b.reserved.Load(), b.paid.Load(), b.cancelled.Load(), b.refused.Load(), b.again.Load())
	fmt.Fprintf(&out, "longest stall of a customer: %s; of the log with a frozen holder of its lock: %s (%d times)\n",
		time.Duration(b.longest.Load()).Round(time.Millisecond), w.longestTakeover.Round(time.Millisecond), w.takeovers)
	w.t.Logf("\n%s", out.String())
}

// requireSound requires of a healed platform all that must be true whatever has happened.
func (w *faultWorld) requireSound() {
	const patience = 5 * time.Minute // what failed often is tried again after minutes
	read, events := w.env["PROJECTION_DATABASE_URL"], w.env["DATABASE_URL"]
	testenv.Eventually(w.t, patience, func() (bool, string) {
		open := queryCount(w.t, events, `SELECT count(*) FROM (SELECT DISTINCT ON (stream_id) type FROM domain_events WHERE stream_id LIKE 'reservation-%'
			ORDER BY stream_id, version DESC) last WHERE type IN ('ReservationInitiated', 'PaymentRequested', 'PaymentAttemptFailed')`)
		return open == 0, fmt.Sprintf("%d reservations hold seats past their time", open)
	})
	testenv.Eventually(w.t, patience, func() (bool, string) {
		refunding := queryCount(w.t, events, `SELECT count(*) FROM domain_events r WHERE type = 'RefundRequested' AND NOT EXISTS (SELECT FROM domain_events d
			WHERE d.stream_id = r.stream_id AND d.type IN ('PaymentRefunded', 'RefundFailed') AND d.version > r.version)`)
		return refunding == 0, fmt.Sprintf("%d refunds wait", refunding)
	})
	w.platform.requireVerified()
	awaitMoney(w.t, read, w.double)
	require.Zero(w.t, queryCount(w.t, read, `SELECT count(*) FROM sections WHERE sold + reserved > capacity`), "oversold")
	require.Zero(w.t, queryCount(w.t, read, `SELECT count(*) FROM projection_dead_letters`), "dead letters")
	require.Zero(w.t, queryCount(w.t, events, `SELECT count(*) FROM river_job WHERE state = 'discarded'`), "jobs that were given up")
	accepted := w.buyers.acceptedReservations()
	require.NotEmpty(w.t, accepted)
	missing := queryCount(w.t, events, `SELECT count(*) FROM unnest($1::text[]) AS told(id)
		WHERE (SELECT count(*) FROM domain_events WHERE stream_id = 'reservation-' || told.id AND type = 'ReservationInitiated') <> 1`, accepted)
	require.Zero(w.t, missing, "accepted reservations that the log does not have")
	require.Equal(w.t, len(accepted), queryCount(w.t, events, `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`),
		"reservations that no customer got, although each command had an outcome")
}
