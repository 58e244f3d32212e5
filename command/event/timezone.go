package event

import (
	"sync"
	"time"
	_ "time/tzdata" // images without a zone database know the same zones

	"ticketing/command/rejection"
)

// DefaultTimeZone is that of events for which none was given, and of all from before events had one.
const DefaultTimeZone = "UTC"

// longestTimeZone in bytes bounds what a refusal repeats; the longest IANA name has 32.
const longestTimeZone = 64

// Local returns when the event begins, by the clocks of its time zone.
func (p Place) Local() time.Time {
	if location, err := time.LoadLocation(p.TimeZone); err == nil {
		return p.StartsAt.In(location)
	}
	return p.StartsAt.UTC() // a zone that this build's database lost
}

// locations are the zones that Day has loaded: each takes several system calls.
var locations sync.Map

// Day returns the day of a moment in a time zone, as midnight in UTC. Without a zone, or in one that this build does not know, it is the
// day in UTC.
func Day(at time.Time, zone string) time.Time {
	year, month, day := at.In(loadLocation(zone)).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func loadLocation(zone string) *time.Location {
	if known, ok := locations.Load(zone); ok {
		return known.(*time.Location) //nolint:forcetypeassert // nothing else is stored
	}
	loaded, err := time.LoadLocation(zone)
	if err != nil {
		return time.UTC
	}
	locations.Store(zone, loaded)
	return loaded
}

func checkTimeZone(name string) error {
	_, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" || len(name) > longestTimeZone {
		return rejection.New(rejection.Invalid, "timeZone must be an IANA time zone, such as Europe/Berlin").At("timeZone")
	}
	return nil
}
