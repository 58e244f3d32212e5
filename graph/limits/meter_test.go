package limits

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAMeterFillsUpSteadily(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := NewMeter(600, func() time.Time { return now }) // 10 a second, 150 at once
	require.Equal(t, Balance{Limit: 150, Refill: 15 * time.Second, Left: 50, Full: 10 * time.Second}, m.Take("a", 100))
	refused := m.Take("a", 100)
	require.Equal(t, 5*time.Second, refused.Wait)
	require.Equal(t, 50, refused.Left, "what is refused costs nothing")
	require.Zero(t, m.Take("b", 100).Wait, "another client")
	now = now.Add(5 * time.Second)
	require.Zero(t, m.Take("a", 100).Wait)
	require.Equal(t, -70, m.Charge("a", 70).Left, "what was done is paid later")
	require.Equal(t, 7*time.Second, m.Take("a", 0).Wait)
	now = now.Add(time.Hour)
	require.Equal(t, 150, m.Take("a", 0).Left, "no more than it holds")
	require.Zero(t, m.Take("a", 1_000).Wait, "what costs more than it holds is taken from a full one")
	require.Equal(t, 85*time.Second, m.Take("a", 0).Wait)
}

func TestAMetersMemoryIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := NewMeter(60, func() time.Time { return now })
	for i := range 3 * mostBuckets {
		m.Take(strconv.Itoa(i), 1)
	}
	require.LessOrEqual(t, len(m.buckets), 2*mostBuckets)
	now = now.Add(time.Hour)
	m.Take("x", 1)
	require.Less(t, len(m.buckets), mostBuckets, "full ones are forgotten")
}
