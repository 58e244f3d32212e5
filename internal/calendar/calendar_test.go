package calendar

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFileHasAnEntry(t *testing.T) {
	starts := time.Date(2027, 5, 1, 20, 30, 0, 0, time.FixedZone("CEST", 7200))
	file := File(Entry{ID: "rsv_01", Name: "a, b; c\n" + strings.Repeat("ü", 100), Venue: "Town hall", StartsAt: starts}, starts)
	require.Contains(t, file, "UID:rsv_01\r\nDTSTAMP:20270501T183000Z\r\nDTSTART:20270501T183000Z\r\nSUMMARY:a\\, b\\; c\\nü")
	require.NotContains(t, file, "URL:")
	require.True(t, strings.HasSuffix(file, "END:VCALENDAR\r\n"))
	for line := range strings.SplitSeq(file, "\r\n") {
		require.LessOrEqual(t, len(line), longestLine)
	}
}
