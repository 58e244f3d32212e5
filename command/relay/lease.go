package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"ticketing/command/relay/progress"
	"ticketing/internal/wait"
)

// A lease that is not renewed for leaseTTL, by the database's time, belongs to the relay that takes it next. It is renewed a few times in that time, so
// that one slow statement does not lose it.
const (
	leaseTTL     = 5 * time.Second
	renewEvery   = time.Second
	renewTimeout = 2 * time.Second
)

// errLeaseLost says that the lease has ended: this process was frozen, or could not reach the database.
var errLeaseLost = errors.New("the lease has ended")

// lease is the right to publish. The cursor is compared and set besides, so a holder that does not know yet that it has lost the lease at
// worst publishes a page twice.
type lease struct {
	db     progress.DB
	holder string
}

func newLease(db progress.DB) lease { return lease{db: db, holder: rand.Text()} }

// take takes or renews the lease. It returns errStandby if another relay has it.
func (l lease) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	taken, err := progress.TakeLease(ctx, l.db, l.holder, leaseTTL)
	switch {
	case err != nil:
		return err
	case !taken:
		return errStandby
	default:
		return nil
	}
}

// keep renews the lease until ctx ends, and returns why it was lost.
func (l lease) keep(ctx context.Context) error {
	for renewed := time.Now(); ; {
		if err := wait.For(ctx, renewEvery); err != nil {
			return err
		}
		began := time.Now()
		err := l.take(ctx)
		switch {
		case err == nil:
			renewed = began
		case errors.Is(err, errStandby):
			return errLeaseLost
		case time.Since(renewed) > leaseTTL-renewTimeout: // the next attempt would be too late
			return fmt.Errorf("%w: %w", errLeaseLost, err)
		}
	}
}

// release lets another relay take over at once, even if the caller's context has ended.
func (l lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = progress.ReleaseLease(ctx, l.db, l.holder) // else it ends by itself
}
