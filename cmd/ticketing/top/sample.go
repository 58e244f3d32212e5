package top

import (
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// Sample is what the processes' metrics said at a moment.
type Sample struct {
	At        time.Time
	Processes map[string]Families // by address
	Failed    map[string]error    // the addresses that did not respond
}

// Families are the metrics of a process, by name.
type Families map[string]*dto.MetricFamily

// where chooses metrics by labels. A value "" means any.
type where map[string]string

func (w where) matches(m *dto.Metric) bool {
	found := 0
	for _, pair := range m.GetLabel() {
		if value, asked := w[pair.GetName()]; asked && (value == "" || value == pair.GetValue()) {
			found++
		}
	}
	return found == len(w)
}

// each calls f with each metric of that name that is chosen.
func (f Families) each(name string, w where, do func(*dto.Metric)) {
	for _, m := range f[name].GetMetric() {
		if w.matches(m) {
			do(m)
		}
	}
}

func valueOf(m *dto.Metric) float64 {
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue() + float64(m.GetHistogram().GetSampleCount())
}

// labelsOf returns the values that a label has in any process, sorted.
func (s Sample) labelsOf(name, label string) []string {
	var values []string
	for _, families := range s.Processes {
		families.each(name, where{label: ""}, func(m *dto.Metric) {
			for _, pair := range m.GetLabel() {
				if pair.GetName() == label && !slices.Contains(values, pair.GetValue()) {
					values = append(values, pair.GetValue())
				}
			}
		})
	}
	slices.Sort(values)
	return values
}

// sum adds up what each process has of its own.
func (s Sample) sum(name string, w where) (sum float64) {
	for _, families := range s.Processes {
		families.each(name, w, func(m *dto.Metric) { sum += valueOf(m) })
	}
	return sum
}

// most returns the greatest value: of what all replicas measure alike.
func (s Sample) most(name string, w where) (most float64) {
	for _, families := range s.Processes {
		families.each(name, w, func(m *dto.Metric) { most = max(most, valueOf(m)) })
	}
	return most
}

// mostSum adds up over the values of a label the greatest value that a process has.
func (s Sample) mostSum(name string, w where, label string) (sum float64) {
	for _, value := range s.labelsOf(name, label) {
		chosen := where{label: value}
		for k, v := range w {
			chosen[k] = v
		}
		sum += s.most(name, chosen)
	}
	return sum
}

// span is the time between two samples. Without an earlier one, it is that since the processes started, as far as counters tell.
type span struct{ before, now Sample }

// seconds returns how long it was; of the first sample, 0.
func (s span) seconds() float64 {
	if s.before.At.IsZero() {
		return 0
	}
	return s.now.At.Sub(s.before.At).Seconds()
}

// rate returns by how much a counter has grown in a second, and NaN for the first sample. A process that has started anew counts from 0.
func (s span) rate(name string, w where) float64 {
	if s.seconds() <= 0 {
		return math.NaN()
	}
	var grown float64
	for address, families := range s.now.Processes {
		var before, now float64
		families.each(name, w, func(m *dto.Metric) { now += valueOf(m) })
		s.before.Processes[address].each(name, w, func(m *dto.Metric) { before += valueOf(m) })
		if before > now {
			before = 0
		}
		grown += now - before
	}
	return grown / s.seconds()
}

// buckets returns how many observations of the span were at most as large as each bound.
func (s span) buckets(name string, w where) map[float64]float64 {
	counts := map[float64]float64{}
	for address, families := range s.now.Processes {
		add := func(sign float64) func(*dto.Metric) {
			return func(m *dto.Metric) {
				for _, b := range m.GetHistogram().GetBucket() {
					if !math.IsInf(b.GetUpperBound(), 1) {
						counts[b.GetUpperBound()] += sign * float64(b.GetCumulativeCount())
					}
				}
				counts[math.Inf(1)] += sign * float64(m.GetHistogram().GetSampleCount())
			}
		}
		families.each(name, w, add(1))
		var now, before uint64
		families.each(name, w, func(m *dto.Metric) { now += m.GetHistogram().GetSampleCount() })
		earlier := s.before.Processes[address]
		earlier.each(name, w, func(m *dto.Metric) { before += m.GetHistogram().GetSampleCount() })
		if before <= now {
			earlier.each(name, w, add(-1))
		}
	}
	return counts
}

// quantile estimates a quantile of a histogram's observations in the span as Prometheus does, and returns NaN if there were none.
func (s span) quantile(q float64, name string, w where) float64 {
	counts := s.buckets(name, w)
	total := counts[math.Inf(1)]
	if total <= 0 {
		return math.NaN()
	}
	bounds := make([]float64, 0, len(counts))
	for bound := range counts {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	low, below := 0.0, 0.0
	for _, bound := range bounds {
		if counts[bound] < q*total {
			low, below = bound, counts[bound]
			continue
		}
		if math.IsInf(bound, 1) {
			return low
		}
		return low + (bound-low)*(q*total-below)/(counts[bound]-below)
	}
	return low
}
