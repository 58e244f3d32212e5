-- name: LoadEvents :many
SELECT id, version, organizer_id, name, description, venue, starts_at, time_zone, sales_open_at, sales_close_at,
       max_tickets_per_reservation, max_tickets_per_customer, payment_attempts, status, created_at, withdrawn, deleted, cancellation_reason
FROM events WHERE id = ANY (@ids::text[]);

-- name: SaveEvents :exec
-- A row is the fold of its stream up to its version: of two writers, the one that read further is right.
INSERT INTO events (id, version, organizer_id, name, description, venue, starts_at, time_zone, sales_open_at, sales_close_at,
    max_tickets_per_reservation, max_tickets_per_customer, payment_attempts, status, created_at, withdrawn, deleted, cancellation_reason, search)
SELECT unnest(@ids::text[]), unnest(@versions::bigint[]), unnest(@organizer_ids::text[]), unnest(@names::text[]),
       unnest(@descriptions::text[]), unnest(@venues::text[]), unnest(@starts_ats::timestamptz[]), unnest(@time_zones::text[]),
       unnest(@sales_open_ats::timestamptz[]), unnest(@sales_close_ats::timestamptz[]),
       unnest(@max_tickets_per_reservations::int[]), nullif(unnest(@max_tickets_per_customers::int[]), 0),
       unnest(@payment_attempts::int[]), unnest(@statuses::text[]), unnest(@created_ats::timestamptz[]),
       unnest(@withdrawns::boolean[]), unnest(@deleteds::boolean[]), nullif(unnest(@cancellation_reasons::text[]), ''),
       array_to_tsvector(string_to_array(unnest(@words::text[]), ' '))
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version, name = excluded.name, description = excluded.description, venue = excluded.venue,
    starts_at = excluded.starts_at, time_zone = excluded.time_zone, sales_open_at = excluded.sales_open_at, sales_close_at = excluded.sales_close_at,
    max_tickets_per_reservation = excluded.max_tickets_per_reservation, max_tickets_per_customer = excluded.max_tickets_per_customer,
    payment_attempts = excluded.payment_attempts,
    status = excluded.status, withdrawn = excluded.withdrawn, deleted = excluded.deleted, cancellation_reason = excluded.cancellation_reason, search = excluded.search
WHERE events.version < excluded.version;
