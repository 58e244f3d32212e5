package test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

const (
	soakCustomers = 40
	soakMoments   = 60               // in a run, if it takes a minute at least
	soakCapacity  = 100_000          // of an event: enough for two moments
	soakCacheMiB  = "8"              // of an engine: it is full within a third of a run, and nothing rises because of it later
	soakSettled   = 10 * time.Minute // in less, caches still fill, and PostgreSQL has hardly vacuumed

	// What is flat may rise by that much of its mean, or by the floor of its unit, over the last two thirds of a run.
	soakRise = 0.1
)

// soakFloors are what a series of a unit may rise by: a garbage collection more or less, a connection that is opened again.
var soakFloors = map[string]float64{"MiB": 10, "MiB in use": 5, "goroutines": 20, "open files": 10, "%": 5, "connections to PostgreSQL": 5}

// TestSoak sells at half of what the machine can for a long time, in which what parts and tables take must not rise. `make soak`.
func TestSoak(t *testing.T) {
	duration := readLoad(t, "SOAK", 30*time.Minute)
	r := newLoadRun(t, map[string]string{"STREAM_CACHE_MIB": soakCacheMiB})
	capacity := r.measureCapacity(max(duration/20, 10*time.Second))
	r.began, r.moments = time.Now(), nil
	r.measures = append(r.measures, r.measureLeaks, r.measureBloat)
	pause := time.Duration(soakCustomers / (capacity / 2) * float64(time.Second))
	c := r.newCrowd(soakCapacity, pause)
	c.differ = true
	c.letIn(soakCustomers)
	r.watch(max(duration/soakMoments, time.Second), func(at time.Duration) bool {
		c.putOnSale(soakCapacity) // one event after the other: what is known of each rises as it is sold
		return at < duration
	})
	c.finish()
	t.Logf("%.1f orders a second are half of capacity", capacity/2)
	c.print("at half of capacity")
	r.printBloat()
	r.writePlot()
	table, rising := describeSeries(r.moments)
	t.Logf("averages of the sixths of %s, and what the last two thirds rise by:\n%s", duration, table)
	require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), "soak.md"), []byte(table), 0o600))
	sent, failed := c.count()
	require.Less(t, failed*100, sent*loadErrorPercent)
	if duration >= soakSettled {
		r.saveHeaps(rising)
		require.Empty(t, rising)
	}
	r.requireVerified()
}

// measureCapacity returns how many orders a second the machine can, of customers who do not pause.
func (r *loadRun) measureCapacity(d time.Duration) float64 {
	c := r.newCrowd(10_000_000, time.Millisecond)
	c.letIn(soakCustomers)
	from := int64(0)
	r.watch(time.Second, func(at time.Duration) bool {
		if at < d/2 { // they sign in, and connections are opened
			from = r.reserved.Load()
		}
		return at < d
	})
	made := r.reserved.Load() - from
	c.finish()
	require.Positive(r.t, made)
	return float64(made) / (d / 2).Seconds()
}

// saveHeaps keeps what is in the memory of the parts whose series are given.
func (r *loadRun) saveHeaps(series []string) {
	for part, running := range r.parts {
		if !slices.Contains(series, part+", MiB") && !slices.Contains(series, part+", MiB in use") {
			continue
		}
		response, err := http.Get(strings.Replace(running.metrics, "/metrics", "/debug/pprof/heap?gc=1", 1))
		require.NoError(r.t, err)
		defer response.Body.Close()
		profile, err := io.ReadAll(response.Body)
		require.NoError(r.t, err)
		require.NoError(r.t, os.WriteFile(filepath.Join(r.t.ArtifactDir(), part+".heap"), profile, 0o600))
	}
}

func (r *loadRun) measureLeaks(now moment) {
	for part, families := range scrape(r.t, r.parts) {
		now.values[part+", MiB in use"] = sumOf(families["go_gc_heap_live_bytes"], nil) / (1 << 20)
		now.values[part+", goroutines"] = sumOf(families["go_goroutines"], nil)
		now.values[part+", open files"] = sumOf(families["process_open_fds"], nil)
	}
}

const (
	// bloatOfTables has how much of each table is dead or free.
	bloatOfTables = `SELECT relname AS name, table_len AS size, dead_tuple_len + approx_free_space AS waste
		FROM pg_class, pgstattuple_approx(oid) WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`
	// bloatOfIndexes has how much of each B-tree's leaves is empty. An index of random keys is full by two thirds.
	bloatOfIndexes = `SELECT relname AS name, index_size AS size, index_size * (1 - CASE WHEN leaf_pages > 0 THEN avg_leaf_density / 100 ELSE 1 END) AS waste
		FROM pg_class c JOIN pg_am a ON a.oid = c.relam, pgstatindex(c.oid) WHERE a.amname = 'btree' AND relnamespace = 'public'::regnamespace`
	// smallTables have a row for each of something that a run does not make more of, so that only dead rows make them larger.
	smallTables = `SELECT relname AS name, pg_total_relation_size(relid) AS size, 0 AS waste FROM pg_stat_user_tables WHERE n_live_tup < 1000`
)

// measureBloat measures what the tables and indexes of all databases take, and how much of that is of no use.
func (r *loadRun) measureBloat(now moment) {
	for series, query := range map[string]string{"tables, dead or free %": bloatOfTables, "indexes, empty %": bloatOfIndexes, "tables of few rows, MiB": smallTables} {
		size, waste := 0.0, 0.0
		for _, rel := range r.relations(query) {
			size, waste = size+rel.Size, waste+rel.Waste
		}
		if strings.HasSuffix(series, "%") {
			now.values[series] = 100 * waste / size
		} else {
			now.values[series] = size / (1 << 20)
		}
	}
}

// relation is a table or an index.
type relation struct {
	Name        string
	Size, Waste float64 // bytes
}

// relations runs one of the queries above in each database.
func (r *loadRun) relations(query string) (all []relation) {
	for _, variable := range []string{"DATABASE_URL", "PROJECTION_DATABASE_URL", "AUTH_DATABASE_URL"} {
		pool := r.openPool(variable)
		_, err := pool.Exec(r.t.Context(), `CREATE EXTENSION IF NOT EXISTS pgstattuple`)
		require.NoError(r.t, err, "soak needs the extensions of PostgreSQL (Debian has them in its package)")
		rows, err := pool.Query(r.t.Context(), `SELECT name::text, size::float8, waste::float8 FROM (`+query+`) r`)
		require.NoError(r.t, err)
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[relation])
		require.NoError(r.t, err)
		all = append(all, found...)
	}
	return all
}

// printBloat names the tables and indexes with most that is of no use.
func (r *loadRun) printBloat() {
	all := append(r.relations(bloatOfTables), r.relations(bloatOfIndexes)...)
	slices.SortFunc(all, func(a, b relation) int { return int(b.Waste - a.Waste) })
	var out strings.Builder
	for _, rel := range all[:min(len(all), 12)] {
		fmt.Fprintf(&out, "| %s | %.1f | %.0f |\n", rel.Name, rel.Size/(1<<20), 100*rel.Waste/rel.Size)
	}
	r.t.Logf("most is dead, free or empty in\n| table or index | MiB | %% |\n|---|---|---|\n%s", out.String())
}

// describeSeries returns a table of what was measured, and the series that rise.
func describeSeries(moments []moment) (table string, rising []string) {
	var out strings.Builder
	out.WriteString("| | 1 | 2 | 3 | 4 | 5 | 6 | rise | |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(moments[0].values)) {
		values := make([]float64, len(moments))
		for i, m := range moments {
			values[i] = m.values[name]
		}
		fmt.Fprintf(&out, "| %s |", name)
		for i := range 6 {
			fmt.Fprintf(&out, " %.1f |", average(values[len(values)*i/6:max(len(values)*(i+1)/6, len(values)*i/6+1)]))
		}
		settled := values[len(values)/3:]
		rise, verdict := riseOf(settled), ""
		if floor, must := floorOf(name); must {
			verdict = "flat"
			if rise > max(soakRise*average(settled), floor) {
				verdict = "**rises**"
				rising = append(rising, name)
			}
		}
		fmt.Fprintf(&out, " %+.1f | %s |\n", rise, verdict)
	}
	return out.String(), rising
}

// floorOf returns what a series may rise by in any case; must is false if it may rise as it likes.
func floorOf(series string) (floor float64, must bool) {
	for unit, floor := range soakFloors {
		if strings.HasSuffix(series, unit) {
			return floor, true
		}
	}
	return 0, false
}

func average(values []float64) (mean float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	return mean
}

// riseOf returns by how much the line of least squares through the values rises from the first to the last.
func riseOf(values []float64) float64 {
	middle, mean := float64(len(values)-1)/2, average(values)
	up, across := 0.0, 0.0
	for i, v := range values {
		x := float64(i) - middle
		up, across = up+x*(v-mean), across+x*x
	}
	if across == 0 {
		return 0
	}
	return up / across * float64(len(values)-1)
}

// What rises must be found, and what goes up and down must not.
func TestTheSoakTellsWhatRises(t *testing.T) {
	t.Parallel()
	var moments []moment
	for i := range 60 {
		wave := float64(i % 7)
		moments = append(moments, moment{values: map[string]float64{
			"saw, MiB": 100 + 8*wave, "leak, MiB": 100 + wave + float64(i), "leak, MiB in use": 20 + float64(i)/6, "warm, goroutines": min(float64(10*i), 150) + wave,
			"leak, goroutines": 100 + float64(2*i), "reservations a second": float64(10 * i),
		}})
	}
	table, rising := describeSeries(moments)
	require.Equal(t, []string{"leak, MiB", "leak, MiB in use", "leak, goroutines"}, rising, table)
}
