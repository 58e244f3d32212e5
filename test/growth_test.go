package test

import (
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// How large the log of TestALargeLog is: domain events, and those of each event. make test-growth sets GROWTH to 10,000,000.
const (
	smallLog      = 40_000 // with fewer, PostgreSQL rightly reads whole tables
	eventsOfEvent = 20_000
)

// mostVerifyMemory bounds what ticketing verify needs for one event or range, however large the log is. The process alone has 60 MiB.
const mostVerifyMemory = 384 << 20

// Nothing that a sale needs becomes slower with the log: nothing reads it as a whole, and a part of it is verified in bounded memory.
func TestALargeLog(t *testing.T) {
	t.Parallel()
	size := smallLog
	if wanted := os.Getenv("GROWTH"); wanted != "" {
		var err error
		size, err = strconv.Atoi(wanted)
		require.NoError(t, err)
	}
	p := newPlatform(t)
	p.startAPI()
	organizer := signIn(t, p.url, adminEmail)
	var past []string
	began := time.Now()
	for filled := 0; filled < size; filled += eventsOfEvent {
		id := onSale(t, organizer, 100, nil)
		p.fillHistory(id, eventsOfEvent/4)
		past = append(past, id)
	}
	log := p.openPool("DATABASE_URL")
	_, err := log.Exec(t.Context(), `ANALYZE`)
	require.NoError(t, err)
	t.Logf("filled in %s: %s", time.Since(began).Round(time.Second), queryText(t, p.env["DATABASE_URL"], `SELECT format(
		'%s domain events, %s bytes each with indexes, %s in all', count(*), pg_total_relation_size('domain_events') / count(*),
		pg_size_pretty(pg_total_relation_size('domain_events'))) FROM domain_events`))

	const wholeReads = `SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'domain_events'`
	awaitStatistics(t, p.env["DATABASE_URL"])
	before := queryCount(t, p.env["DATABASE_URL"], wholeReads)
	api := p.startReplica()
	api.startAPI() // a new process has no stream in memory
	p.startPart("saga")
	var took []time.Duration
	customer := signIn(t, api.url, "alice@example.com")
	for i := range 20 {
		began := time.Now()
		reserved := requireAccepted(t, customer.reserveSeats(past[i%len(past)], bestSeats("Floor", 1))).Reservation
		requireAccepted(t, customer.cancelReservation(reserved.ID))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("reserve and cancel: median %s, longest %s (a cold stream of %d domain events)", took[len(took)/2], took[len(took)-1], eventsOfEvent/2)
	awaitStatistics(t, p.env["DATABASE_URL"])
	// In a small log a stream is so large a part that PostgreSQL may read all to load it, once.
	require.LessOrEqual(t, queryCount(t, p.env["DATABASE_URL"], wholeReads)-before, len(past), "sales read the whole log")
	p.verifyPart("-event", past[len(past)-1])
	middle := queryCount(t, p.env["DATABASE_URL"], `SELECT max(position) FROM domain_events`) / 2
	p.verifyPart("-after", strconv.Itoa(middle-eventsOfEvent), "-until", strconv.Itoa(middle+eventsOfEvent))
	t.Logf("verifying read the whole log %d times", queryCount(t, p.env["DATABASE_URL"], wholeReads)-before)
}

// verifyPart verifies a part of the log. No projector runs, so the read tables are behind; the log itself must be sound.
func (p *platform) verifyPart(args ...string) {
	p.t.Helper()
	began := time.Now()
	cmd := p.command("ticketing", append([]string{"verify", "-wait", "0s", "-show", "3"}, args...)...)
	output, _ := cmd.CombinedOutput()
	require.Equal(p.t, 3, cmd.ProcessState.ExitCode(), "%s", output)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(p.t, ok)
	// The kernel has a child's figure begin at its parent's, which other tests may have made larger.
	var own syscall.Rusage
	require.NoError(p.t, syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	if own.Maxrss<<10 < mostVerifyMemory {
		require.Less(p.t, usage.Maxrss<<10, int64(mostVerifyMemory))
	}
	p.t.Logf("verify %v: %s, %d MiB", args, time.Since(began).Round(time.Millisecond), usage.Maxrss>>10)
}

// awaitStatistics waits until PostgreSQL has counted the reads of the whole log: sessions report at most every second, and at their end.
func awaitStatistics(t *testing.T, url string) {
	t.Helper()
	scans := func() string {
		return queryText(t, url, `SELECT seq_scan::text FROM pg_stat_user_tables WHERE relname = 'domain_events'`)
	}
	last, since := scans(), time.Now()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		if now := scans(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second, "the log is still read as a whole: " + last
	})
}
