package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
)

// leaseClass is the first key of the lease's advisory lock; the shard is the second.
const leaseClass = 0x72656c79

// takeLease returns a connection that holds the lease as long as it is open. The holder writes only through it, so that a relay that has
// lost the lease can no longer move the cursor.
func takeLease(ctx context.Context, pool *pgxpool.Pool) (*pgx.Conn, error) {
	config := pool.Config().ConnConfig.Copy()
	// The keepalives end the lease of a holder whose machine is gone within seconds; TCP alone would take hours. Moving the cursor need
	// not wait for the disk: if a crash of the database sets the cursor back, that only causes duplicates.
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "10000",
		"synchronous_commit": "off", "application_name": "ticketing relay",
	} {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the events database: %w", err)
	}
	var taken bool
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, int32(leaseClass), int32(eventstore.Shard)).Scan(&taken)
	if err == nil && taken {
		return conn, nil
	}
	closeQuietly(conn)
	if err != nil {
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	return nil, errStandby
}

// closeQuietly gives the lease back at once, even if the caller's context has ended.
func closeQuietly(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
