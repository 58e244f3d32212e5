package top

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Render returns what the metrics say: of the time between two samples, or without an earlier one (an empty Sample) of now, with quantiles
// since the processes' start.
func Render(before, now Sample) string {
	f := frame{span: span{before, now}}
	f.heading()
	f.sales()
	f.api()
	f.writeSide()
	f.projections()
	f.saga()
	f.dependencies()
	f.failures()
	return f.text.String()
}

// frame is what is being rendered.
type frame struct {
	span

	text strings.Builder
}

// table writes rows in columns, below a title and the columns' names.
func (f *frame) table(title string, columns []string, rows ...[]string) {
	if len(rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(&f.text, 0, 0, 2, ' ', tabwriter.AlignRight)
	f.text.WriteString("\n")
	for _, row := range append([][]string{append([]string{title}, columns...)}, rows...) {
		fmt.Fprintf(w, "%-16s\t%s\t\n", row[0], strings.Join(row[1:], "\t"))
	}
	_ = w.Flush() // into memory
}

func (f *frame) heading() {
	var running []string
	for _, part := range f.now.labelsOf("ticketing_build_info", "part") {
		running = append(running, fmt.Sprintf("%s %.0f", part, f.now.sum("ticketing_build_info", where{"part": part})))
	}
	fmt.Fprintf(&f.text, "ticketing  %s  %d of %d processes: %s\n", f.now.At.Format(time.TimeOnly),
		len(f.now.Processes), len(f.now.Processes)+len(f.now.Failed), strings.Join(running, ", "))
}

func (f *frame) sales() {
	outcome := func(name string) string {
		return perSecond(f.rate("ticketing_reservations_total", where{"outcome": name}))
	}
	seats := func(state string) string { return count(f.now.most("ticketing_seats", where{"state": state})) }
	f.table("SALES", []string{"reserved/s", "completed/s", "expired/s", "holds", "available", "reserved", "sold", "undecided payments"}, []string{
		"", outcome("reserved"), outcome("completed"), outcome("expired"), count(f.now.most("ticketing_saga_holds", nil)),
		seats("available"), seats("reserved"), seats("sold"), count(f.now.most("ticketing_payments_undecided", nil)),
	})
}

func (f *frame) api() {
	const operations, took = "ticketing_graphql_operations_total", "ticketing_graphql_operation_seconds"
	var rows [][]string
	for _, kind := range f.now.labelsOf(took, "type") {
		of := where{"type": kind}
		rows = append(rows, []string{
			kind, perSecond(f.rate(operations, of)), perSecond(f.rate(operations, where{"type": kind, "code": "UNAVAILABLE"})),
			perSecond(f.rate(operations, where{"type": kind, "code": "INTERNAL"})),
			duration(f.quantile(0.5, took, of)), duration(f.quantile(0.95, took, of)), duration(f.quantile(0.99, took, of)),
		})
	}
	f.table("API", []string{"operations/s", "unavailable/s", "internal/s", "p50", "p95", "p99"}, rows...)
	f.table("OVERLOAD", []string{"running", "limit", "refused/s"}, []string{ // the limit is that of all apis together
		"", count(f.now.sum("ticketing_graphql_running", nil)), count(f.now.sum("ticketing_graphql_running_limit", nil)),
		perSecond(f.rate(operations, where{"type": "none", "code": "UNAVAILABLE"})),
	})
	f.table("STREAMS", []string{"open", "subscriptions", "fan-out p50", "p99"}, []string{
		"", count(f.now.sum("ticketing_graphql_streams", nil)), count(f.now.sum("ticketing_graphql_subscriptions", nil)),
		duration(f.quantile(0.5, "ticketing_graphql_fan_out_seconds", nil)), duration(f.quantile(0.99, "ticketing_graphql_fan_out_seconds", nil)),
	})
}

func (f *frame) writeSide() {
	var rows [][]string
	for _, part := range f.now.labelsOf("ticketing_engine_queue_commands", "part") {
		of := where{"part": part}
		command := func(outcome string) string {
			return perSecond(f.rate("ticketing_commands_total", where{"part": part, "outcome": outcome}))
		}
		rows = append(rows, []string{
			part, command("accepted"), command("rejected"), command("failed"), count(f.now.sum("ticketing_engine_queue_commands", of)),
			count(f.quantile(0.95, "ticketing_engine_batch_commands", of)), duration(f.quantile(0.95, "ticketing_engine_batch_seconds", of)),
			duration(f.quantile(0.95, "ticketing_engine_lock_seconds", of)), duration(f.quantile(0.95, "ticketing_engine_append_seconds", of)),
		})
	}
	f.table("COMMANDS", []string{"accepted/s", "rejected/s", "failed/s", "queue", "batch p95", "time p95", "lock p95", "append p95"}, rows...)
}

func (f *frame) projections() {
	f.table("RELAY", []string{"lag", "seconds", "leading", "published/s", "breaker"}, []string{
		"", count(f.now.most("ticketing_relay_lag_positions", nil)), count(f.now.most("ticketing_relay_lag_seconds", nil)),
		count(f.now.sum("ticketing_relay_leading", nil)), perSecond(f.rate("ticketing_relay_published_total", nil)),
		breaker(f.now.most("ticketing_relay_breaker_open", nil)),
	})
	var rows [][]string
	for _, name := range f.now.labelsOf("ticketing_projector_dead_letters", "projection") {
		of := where{"projection": name}
		var lag float64
		for _, topic := range f.now.labelsOf("ticketing_projector_lag_records", "topic") {
			lag += f.now.mostSum("ticketing_projector_lag_records", where{"projection": name, "topic": topic}, "partition")
		}
		rows = append(rows, []string{
			name, count(lag), count(f.now.most("ticketing_projector_lag_seconds", of)), perSecond(f.rate("ticketing_projector_records_total", of)),
			duration(f.quantile(0.95, "ticketing_projector_batch_seconds", of)), count(f.now.most("ticketing_projector_dead_letters", of)),
		})
	}
	f.table("PROJECTIONS", []string{"lag", "seconds", "records/s", "batch p95", "dead letters"}, rows...)
}

func (f *frame) saga() {
	var rows [][]string
	for _, kind := range f.now.labelsOf("ticketing_saga_jobs_due", "kind") {
		of := where{"kind": kind}
		rows = append(rows, []string{
			kind, perSecond(f.rate("ticketing_saga_handled_total", where{"kind": kind, "result": "done"})),
			count(f.now.most("ticketing_saga_jobs_due", of)), count(f.now.most("ticketing_saga_jobs_retried", of)),
			count(f.now.most("ticketing_saga_jobs_failed", of)), count(f.now.most("ticketing_saga_oldest_job_seconds", of)),
		})
	}
	f.table("JOBS", []string{"done/s", "due", "retried", "failed", "oldest s"}, rows...)
	f.table("DEADLINES", []string{"due", "failed", "follower lag", "streams aside"}, []string{
		"", count(f.now.mostSum("ticketing_saga_deadlines_due", nil, "kind")), count(f.now.mostSum("ticketing_saga_deadlines_failed", nil, "kind")),
		count(f.now.most("ticketing_saga_follower_lag", nil)), count(f.now.most("ticketing_saga_streams_aside", nil)),
	})
}

func (f *frame) dependencies() {
	var rows [][]string
	for _, gateway := range f.now.labelsOf("ticketing_gateway_breaker_open", "gateway") {
		of := where{"gateway": gateway}
		rows = append(rows, []string{
			gateway, perSecond(f.rate("ticketing_gateway_calls_total", of)), perSecond(f.rate("ticketing_gateway_calls_total", where{"gateway": gateway, "result": "failed"})),
			duration(f.quantile(0.95, "ticketing_gateway_call_seconds", of)), breaker(f.now.most("ticketing_gateway_breaker_open", of)),
		})
	}
	for _, server := range f.now.labelsOf("ticketing_redis_breaker_open", "server") {
		of := where{"server": server}
		rows = append(rows, []string{
			server, perSecond(f.rate("ticketing_redis_calls_total", of)), perSecond(f.rate("ticketing_redis_calls_total", where{"server": server, "result": "failed"})),
			duration(f.quantile(0.95, "ticketing_redis_call_seconds", of)), breaker(f.now.most("ticketing_redis_breaker_open", of)),
		})
	}
	f.table("CALLS", []string{"calls/s", "failed/s", "p95", "breaker"}, rows...)
}

func (f *frame) failures() {
	for _, address := range slices.Sorted(maps.Keys(f.now.Failed)) {
		fmt.Fprintf(&f.text, "\n%s: %v\n", address, f.now.Failed[address])
	}
}

// unknown is shown for what was not observed.
const unknown = "-"

func perSecond(rate float64) string {
	switch {
	case math.IsNaN(rate):
		return unknown
	case rate < 1: // what is rare shows, too
		return fmt.Sprintf("%.2g", rate)
	}
	return fmt.Sprintf("%.1f", rate)
}

func count(n float64) string {
	if math.IsNaN(n) {
		return unknown
	}
	return fmt.Sprintf("%.0f", n)
}

func duration(seconds float64) string {
	if math.IsNaN(seconds) {
		return unknown
	}
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Millisecond {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func breaker(open float64) string {
	switch {
	case open >= 1:
		return "open"
	case open > 0:
		return "trying"
	}
	return "closed"
}
