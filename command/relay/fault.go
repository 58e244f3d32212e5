package relay

import (
	"errors"
	"log/slog"

	"github.com/sony/gobreaker/v2"
)

// faultLog reports the beginning and the end of a fault, not every try in between.
type faultLog struct {
	log   *slog.Logger
	since string
}

func (f *faultLog) report(err error) {
	if err == nil || errors.Is(err, errStandby) || errors.Is(err, gobreaker.ErrOpenState) || err.Error() == f.since {
		return
	}
	f.since = err.Error()
	f.log.Warn("relay stopped; it starts again by itself", "error", err)
}

func (f *faultLog) clear(position int64) {
	if f.since == "" {
		f.log.Info("relay publishes", "position", position)
	} else {
		f.log.Info("relay publishes again", "position", position)
	}
	f.since = ""
}
