package event

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The clocks of New York go back on 1 November 2026, a day of 25 hours, and forward on 8 March 2026, one of 23.
func TestDayIsThatOfTheZonesClocks(t *testing.T) {
	for _, c := range []struct{ at, zone, day string }{
		{"2026-11-23T14:59:59Z", "Asia/Tokyo", "2026-11-23"},
		{"2026-11-23T15:00:00Z", "Asia/Tokyo", "2026-11-24"},
		{"2026-11-24T04:59:59Z", "America/New_York", "2026-11-23"},
		{"2026-11-24T05:00:00Z", "America/New_York", "2026-11-24"},
		{"2026-11-01T03:59:59Z", "America/New_York", "2026-10-31"},
		{"2026-11-01T04:00:00Z", "America/New_York", "2026-11-01"},
		{"2026-11-02T04:59:59Z", "America/New_York", "2026-11-01"},
		{"2026-11-02T05:00:00Z", "America/New_York", "2026-11-02"},
		{"2026-03-08T05:00:00Z", "America/New_York", "2026-03-08"},
		{"2026-03-09T03:59:59Z", "America/New_York", "2026-03-08"},
		{"2026-03-09T04:00:00Z", "America/New_York", "2026-03-09"},
		{"2026-11-23T23:59:59Z", "", "2026-11-23"},
		{"2026-11-23T23:59:59Z", "Nowhere/Else", "2026-11-23"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		require.NoError(t, err)
		require.Equal(t, c.day, Day(at, c.zone).Format(time.DateOnly), "%s in %s", c.at, c.zone)
	}
}
