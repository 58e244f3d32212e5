package event

import (
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

func checkTimeZone(name string) error {
	_, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" || len(name) > longestTimeZone {
		return rejection.New(rejection.Invalid, "timeZone must be an IANA time zone, such as Europe/Berlin").At("timeZone")
	}
	return nil
}
