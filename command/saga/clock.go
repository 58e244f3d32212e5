package saga

import (
	"sync/atomic"
	"time"
)

// logClock is the log's time when the saga last looked for work, for River, which compares times itself. It is late by a moment and never
// ahead, whatever the process's own clock says. Its methods are part of rivertype.TimeGenerator.
type logClock struct{ read atomic.Pointer[time.Time] }

func (c *logClock) set(now time.Time) { c.read.Store(&now) }

// Now returns the process's time until the log's was read.
func (c *logClock) Now() time.Time {
	if now := c.NowOrNil(); now != nil {
		return *now
	}
	return time.Now()
}

// NowOrNil returns nil, which makes River's statements use the database's time, until the log's time was read.
func (c *logClock) NowOrNil() *time.Time { return c.read.Load() }
