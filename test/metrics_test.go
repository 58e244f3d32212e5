package test

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/testenv"
)

// trading is a platform with all that metrics tell of: each part in a process of its own, a gateway that sends webhooks, Redis by TLS.
type trading struct {
	*platform

	running map[string]runningPart // by part
	admin   *client
}

func startTrading(t testing.TB) *trading {
	t.Helper()
	double := stripetest.New(t)
	env := withStripe(newEnvironment(t), double)
	redis, err := url.Parse(env["REDIS_URL"])
	require.NoError(t, err)
	address, certificate := testenv.ServeTLS(t, redis.Host)
	redis.Scheme, redis.Host = "rediss", address
	env["REDIS_URL"], env["REDIS_CA_FILE"] = redis.String(), filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(env["REDIS_CA_FILE"], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}), 0o600))
	p := newPlatformIn(t, env)
	double.SendTo(p.url + "/webhooks/stripe")
	running := map[string]runningPart{"api": p.startAPI()}
	for _, part := range []string{"relay", "saga", "projector"} {
		running[part] = p.startPart(part)
	}
	return &trading{platform: p, running: running, admin: signIn(t, p.url, adminEmail)}
}

// trade sells, watches, declines, rejects, cancels and refunds once.
func (tr *trading) trade() {
	t := tr.t
	t.Helper()
	alice := signIn(t, tr.url, newKey()+"@example.com")
	id := onSale(t, tr.admin, 10, nil)
	awaitReservations(t, alice, id)
	key := newKey()
	reserve := func() *reservationValue {
		return requireAccepted(t, alice.reserveSeatsWithKey(key, id, bestSeats("Floor", 2))).Reservation
	}
	bought := reserve()
	require.Equal(t, bought.ID, reserve().ID)
	states := alice.subscribe(watchReservation, vars{"id": bought.ID})
	payment := requireAccepted(t, alice.payByCard(bought.ID, "pm_card_visa")).Payment
	awaitState(t, states, "COMPLETED")
	declined := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireRejected(t, alice.payByCard(declined.ID, "pm_card_chargeDeclined"), "PAYMENT_DECLINED")
	requireAccepted(t, alice.cancelReservation(declined.ID))
	requireRejected(t, alice.reserveSeats(id, bestSeats("Floor", 11)), "LIMIT_EXCEEDED")
	requireAccepted(t, tr.admin.refundPayment(payment.ID, ""))
	awaitPayment(t, alice, payment.ID, hasStatus("REFUNDED"))
}

// scrape returns the metrics of each part, by name.
func scrape(t testing.TB, parts map[string]runningPart) map[string]map[string]*dto.MetricFamily {
	t.Helper()
	metrics := map[string]map[string]*dto.MetricFamily{}
	for part, running := range parts {
		families, err := tryScrape(running.metrics)
		require.NoError(t, err)
		metrics[part] = families
	}
	return metrics
}

func tryScrape(url string) (map[string]*dto.MetricFamily, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(response.Body)
}

// sum adds up the metrics of all parts that have these labels.
func (tr *trading) sum(name string, labels map[string]string) (sum float64) {
	tr.t.Helper()
	for _, families := range scrape(tr.t, tr.running) {
		sum += sumOf(families[name], labels)
	}
	return sum
}

// sumOf adds up the values, and the counts of histograms, that have these labels.
func sumOf(family *dto.MetricFamily, labels map[string]string) (sum float64) {
	for _, m := range family.GetMetric() {
		if hasLabels(m, labels) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func hasLabels(m *dto.Metric, labels map[string]string) bool {
	found := 0
	for _, pair := range m.GetLabel() {
		if want, asked := labels[pair.GetName()]; asked && want == pair.GetValue() {
			found++
		}
	}
	return found == len(labels)
}

// documented is a metric as docs/metrics.md has it, or as a process shows it.
type documented struct{ kind, labels, parts string }

func readDocumented(t testing.TB) map[string]documented {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	metrics := map[string]documented{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ticketing_[a-z_]+)` \\| (\\w+) \\| ([^|]*) \\| [^|]+ \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(string(text), -1) {
		require.NotContains(t, metrics, m[1])
		metrics[m[1]] = documented{kind: m[2], labels: strings.TrimSpace(m[3]), parts: m[4]}
	}
	require.NotEmpty(t, metrics)
	return metrics
}

// found returns what the parts show now, but for the metrics of Go and the process, in the form of the documentation.
func (tr *trading) found() map[string]documented {
	kinds, labels, parts := map[string]string{}, map[string]map[string]bool{}, map[string][]string{}
	for part, families := range scrape(tr.t, tr.running) {
		for name, family := range families {
			if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
				continue
			}
			kinds[name] = strings.ToLower(family.GetType().String())
			parts[name] = append(parts[name], part)
			if labels[name] == nil {
				labels[name] = map[string]bool{}
			}
			for _, pair := range family.GetMetric()[0].GetLabel() {
				labels[name][pair.GetName()] = pair.GetName() != "part"
			}
		}
	}
	metrics := map[string]documented{}
	for name, kind := range kinds {
		maps.DeleteFunc(labels[name], func(_ string, listed bool) bool { return !listed })
		slices.Sort(parts[name])
		metrics[name] = documented{kind, strings.Join(slices.Sorted(maps.Keys(labels[name])), ", "), strings.Join(parts[name], ", ")}
	}
	return metrics
}

const certificates = "ticketing_certificate_expiry_timestamp_seconds"

// docs/metrics.md has each metric of every part, with its type, its labels and the parts that show it, and no others.
func TestEachMetricIsDocumented(t *testing.T) {
	t.Parallel()
	tr := startTrading(t)
	tr.trade()
	want := readDocumented(t)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		found := tr.found()
		var wrong []string
		for name, metric := range found {
			if name == certificates {
				metric.parts = want[name].parts // it depends on who is reached by TLS
			}
			if want[name] != metric {
				wrong = append(wrong, fmt.Sprintf("%s is %v, documented as %v", name, metric, want[name]))
			}
		}
		for name := range want {
			if found[name] == (documented{}) {
				wrong = append(wrong, name+" is documented, and no part shows it")
			}
		}
		slices.Sort(wrong)
		return len(wrong) == 0, strings.Join(wrong, "\n")
	})
}

// Whatever a replica sees, a sale is counted by the one that made it.
func TestASaleIsCountedOnceAcrossReplicas(t *testing.T) {
	t.Parallel()
	tr := startTrading(t)
	tr.running["second saga"] = tr.startPart("saga")
	tr.running["second projector"] = tr.startPart("projector")
	tr.trade()
	type labels = map[string]string
	for _, counted := range []struct {
		name   string
		labels labels
		want   float64
	}{
		{"ticketing_reservations_total", labels{"outcome": "reserved"}, 3},
		{"ticketing_reservations_total", labels{"outcome": "completed"}, 1},
		{"ticketing_reservations_total", labels{"outcome": "cancelled"}, 1},
		{"ticketing_reservations_total", labels{"outcome": "refunded"}, 1},
		{"ticketing_reservation_duration_seconds", nil, 1},
		{"ticketing_payments_total", labels{"gateway": "stripe", "outcome": "initiated"}, 2},
		{"ticketing_payments_total", labels{"gateway": "stripe", "outcome": "completed"}, 1},
		{"ticketing_payments_total", labels{"gateway": "stripe", "outcome": "declined"}, 1},
		{"ticketing_payments_total", labels{"gateway": "stripe", "outcome": "refunded"}, 1},
		{"ticketing_commands_total", labels{"command": "reserveSeats", "outcome": "accepted"}, 3},
		{"ticketing_commands_total", labels{"command": "reserveSeats", "outcome": "replayed"}, 1},
		{"ticketing_commands_total", labels{"command": "reserveSeats", "outcome": "rejected"}, 1},
	} {
		testenv.Eventually(t, testenv.Patience, func() (bool, string) {
			sum := tr.sum(counted.name, counted.labels)
			require.LessOrEqual(t, sum, counted.want, "%s %v", counted.name, counted.labels)
			return sum == counted.want, fmt.Sprintf("%s %v is %v", counted.name, counted.labels, sum)
		})
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // one hold is left: the first of awaitReservations
		shown := scrape(tr.t, tr.running)
		holds := sumOf(shown["saga"]["ticketing_saga_holds"], nil)
		seats := sumOf(shown["projector"]["ticketing_seats"], labels{"state": "reserved"})
		return holds == 1 && seats == 1, fmt.Sprintf("%v holds, %v seats are reserved", holds, seats)
	})
}
