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

// takeLease answers a connection that holds the lease for as long as it lives. Everything that the holder does to the database goes
// through it, so that whoever lost the lease can't move the cursor any more.
func takeLease(ctx context.Context, pool *pgxpool.Pool) (*pgx.Conn, error) {
	config := pool.Config().ConnConfig.Copy()
	// A holder whose machine has gone must not keep the lease for the hours that TCP would. A cursor that a crash of the database
	// sets back costs duplicates only, so that moving it need not wait for the disk.
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "10000",
		"synchronous_commit": "off", "application_name": "ticketing relay",
	} {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("relay: connect to the events database: %w", err)
	}
	var taken bool
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, int32(leaseClass), int32(eventstore.Shard)).Scan(&taken)
	if err == nil && taken {
		return conn, nil
	}
	closeQuietly(conn)
	if err != nil {
		return nil, fmt.Errorf("relay: take the lease: %w", err)
	}
	return nil, errStandby
}

// closeQuietly gives the lease back at once, also when the caller's context has ended.
func closeQuietly(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
