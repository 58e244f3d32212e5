package eventstore

import (
	"context"
	"fmt"
	"time"
)

// Expressions for the log's time: the clock of its database, which all processes share. What is decided and what is due is compared with it,
// never with a process's own clock. It changes while a statement runs, so that an index can't be searched for it: NowSQL is read once.
const (
	TimeSQL = `log_time()`
	NowSQL  = `(SELECT log_time())`
)

// LockedTimeSQL is the log's time for the holder of its lock: never less than that of the last domain event, so that a server whose clock is
// behind, after a failover, does not let time run backwards.
const LockedTimeSQL = `greatest(log_time(), (SELECT recorded_at FROM domain_events WHERE shard = 0 ORDER BY position DESC LIMIT 1))`

// ReadTime returns the log's time.
func ReadTime(ctx context.Context, db Querier) (now time.Time, err error) {
	if err := db.QueryRow(ctx, `SELECT `+TimeSQL).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("read the log's time: %w", err)
	}
	return now.UTC(), nil
}
