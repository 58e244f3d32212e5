-- name: LoadReservations :many
SELECT * FROM reservations WHERE id = ANY (@ids::text[]);

-- name: SaveReservations :exec
-- A row is the fold of its stream up to its version: of two writers, the one that read further is right.
INSERT INTO reservations (id, version, event_id, customer_id, status, seats, tickets, total, currency, created_at, expires_at,
    completed_at, expired_at, cancelled_at, compensated_at, refunded_at, metadata)
SELECT unnest(@ids::text[]), unnest(@versions::bigint[]), unnest(@event_ids::text[]), unnest(@customer_ids::text[]),
       unnest(@statuses::text[]), unnest(@seats::text[])::jsonb, unnest(@tickets::text[])::jsonb, unnest(@totals::bigint[]), unnest(@currencies::text[]),
       unnest(@created_ats::timestamptz[]), unnest(@expires_ats::timestamptz[]), unnest(@completed_ats::timestamptz[]),
       unnest(@expired_ats::timestamptz[]), unnest(@cancelled_ats::timestamptz[]), unnest(@compensated_ats::timestamptz[]),
       unnest(@refunded_ats::timestamptz[]), unnest(@metadata::text[])::jsonb
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version, status = excluded.status, seats = excluded.seats, tickets = excluded.tickets, expires_at = excluded.expires_at,
    completed_at = excluded.completed_at, expired_at = excluded.expired_at, cancelled_at = excluded.cancelled_at,
    compensated_at = excluded.compensated_at, refunded_at = excluded.refunded_at, metadata = excluded.metadata
WHERE reservations.version < excluded.version;
