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

// fault is a kind of fault. It draws what it hits from a source of its own, so that a run can be replayed, and reports whether it hit something.
type fault struct {
	name   string
	weight int // how often it is tried, of the sum of all
	strike func(w *faultWorld, from *rand.Rand) bool
}

// Faults that end by themselves are frequent; those after which a server starts again leave time to sell.
var faults = []fault{
	{"connections to PostgreSQL cut", 240, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, toPostgres).Cut() > 0 }},
	{"connections to Redis cut", 120, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, toRedis).Cut() > 0 }},
	{"connections to Stripe cut", 60, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, toStripe).Cut() > 0 }},
	{"connections of customers cut", 80, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, fromCustomers).Cut() > 0 }},
	{"session of PostgreSQL ended", 200, (*faultWorld).endSession},
	{"wire to PostgreSQL slow", 80, func(w *faultWorld, from *rand.Rand) bool { return w.slowDown(w.anyWire(from, toPostgres), from) }},
	{"wire to Redis slow", 40, func(w *faultWorld, from *rand.Rand) bool { return w.slowDown(w.anyWire(from, toRedis), from) }},
	{"wire to Stripe slow", 30, func(w *faultWorld, from *rand.Rand) bool { return w.slowDown(w.anyWire(from, toStripe), from) }},
	{"wire of customers slow", 30, func(w *faultWorld, from *rand.Rand) bool { return w.slowDown(w.anyWire(from, fromCustomers), from) }},
	{"connections to PostgreSQL silent", 30, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, toPostgres).Silence() > 0 }},
	{"connections to Redis silent", 20, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, toRedis).Silence() > 0 }},
	{"connections to Stripe silent", 10, func(w *faultWorld, from *rand.Rand) bool { return w.anyWire(from, toStripe).Silence() > 0 }},
	{"PostgreSQL hangs for one process", 10, func(w *faultWorld, from *rand.Rand) bool { return w.hang(w.anyWire(from, toPostgres), from) }},
	{"Redis hangs for one process", 10, func(w *faultWorld, from *rand.Rand) bool { return w.hang(w.anyWire(from, toRedis), from) }},
	{"Stripe hangs for one process", 10, func(w *faultWorld, from *rand.Rand) bool { return w.hang(w.anyWire(from, toStripe), from) }},
	{"call of Stripe goes wrong", 100, (*faultWorld).loseCall},
	{"process frozen", 60, (*faultWorld).freezeMember},
	{"api frozen with the log's lock", 4, func(w *faultWorld, _ *rand.Rand) bool { return w.freezeHolder() }},
	{"process killed", 24, (*faultWorld).killMember},
	{"process stopped", 6, (*faultWorld).stopMember},
	{"Redis emptied", 6, func(w *faultWorld, _ *rand.Rand) bool { return w.emptyRedis() }},
	{"Redis killed", 2, func(w *faultWorld, _ *rand.Rand) bool { return w.killRedis() }},
	{"broker frozen", 6, (*faultWorld).freezeBroker},
	{"broker killed", 3, (*faultWorld).killBroker},
	{"topics deleted", 1, func(w *faultWorld, _ *rand.Rand) bool { return w.deleteTopics() }},
	{"PostgreSQL stopped", 2, func(w *faultWorld, _ *rand.Rand) bool { return w.restartPostgres(true) }},
	{"PostgreSQL killed", 2, func(w *faultWorld, _ *rand.Rand) bool { return w.restartPostgres(false) }},
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
			t.Logf("to replay it: make test-faults SEED=%d DURATION=%s PAUSE=%s MOST=%d ONLY='%s'", plan.seed, plan.duration, plan.pause, plan.most, plan.only)
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

func (w *faultWorld) strikeOnce(f fault, from *rand.Rand) (hit bool) {
	hit = f.strike(w, from)
	if hit {
		w.struck[f.name]++
	}
	return hit
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
	wrong := w.double.WentWrong()
	sum += twice + late + wrong
	fmt.Fprintf(&out, "%8d  calls of Stripe lost, refused or failed\n%8d  webhooks sent twice\n%8d  webhooks late, behind later ones\n", wrong, twice, late)
	fmt.Fprintf(&out, "%8d  faults in %s, and processes that ended by themselves and were started again: %d\n", sum, time.Since(w.began).Round(time.Second), w.restarts.Load())
	b := w.buyers
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(&out, "%8d  commands with an outcome; reserved %d, paid %d, cancelled %d, refused %d; sent again %d times; sold out %d times\n", b.commands.Load(),
		len(b.confirmed.reserved), len(b.confirmed.paid), len(b.confirmed.cancelled), b.refused.Load(), b.again.Load(), len(b.confirmed.events)-1)
	fmt.Fprintf(&out, "longest stall of a customer: %s; of the log with a frozen holder of its lock: %v\n", time.Duration(b.longest.Load()).Round(time.Millisecond), w.takeovers)
	w.t.Logf("\n%s", out.String())
}
