-- name: ReservationsByID :many
SELECT * FROM reservations WHERE id = ANY (@ids::text[]);

-- name: ReservationsNewestFirst :many
SELECT * FROM reservations
WHERE (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('event_id')::text IS NULL OR event_id = sqlc.narg('event_id'))
  AND (sqlc.narg('customer_id')::text IS NULL OR customer_id = sqlc.narg('customer_id'))
ORDER BY created_at DESC, id DESC
LIMIT @row_limit;

-- name: ReservationsOldestFirst :many
SELECT * FROM reservations
WHERE (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('event_id')::text IS NULL OR event_id = sqlc.narg('event_id'))
  AND (sqlc.narg('customer_id')::text IS NULL OR customer_id = sqlc.narg('customer_id'))
ORDER BY created_at, id
LIMIT @row_limit;

-- name: ReservationsOfNewestFirst :many
-- A page for each of the owners, which are events or customers.
SELECT page.* FROM unnest(@owners::text[]) AS owner (id)
CROSS JOIN LATERAL (
    SELECT * FROM reservations r
    WHERE (NOT @by_event::boolean OR r.event_id = owner.id)
      AND (@by_event::boolean OR r.customer_id = owner.id)
      AND (r.created_at, r.id) < (@older_than_time::timestamptz, @older_than_id::text)
      AND (r.created_at, r.id) > (@newer_than_time::timestamptz, @newer_than_id::text)
      AND (sqlc.narg('status')::text IS NULL OR r.status = sqlc.narg('status'))
      AND (sqlc.narg('event_id')::text IS NULL OR r.event_id = sqlc.narg('event_id'))
      AND (sqlc.narg('customer_id')::text IS NULL OR r.customer_id = sqlc.narg('customer_id'))
    ORDER BY r.created_at DESC, r.id DESC
    LIMIT @row_limit
) AS page
ORDER BY page.created_at DESC, page.id DESC;

-- name: ReservationsOfOldestFirst :many
-- A page for each of the owners, which are events or customers.
SELECT page.* FROM unnest(@owners::text[]) AS owner (id)
CROSS JOIN LATERAL (
    SELECT * FROM reservations r
    WHERE (NOT @by_event::boolean OR r.event_id = owner.id)
      AND (@by_event::boolean OR r.customer_id = owner.id)
      AND (r.created_at, r.id) < (@older_than_time::timestamptz, @older_than_id::text)
      AND (r.created_at, r.id) > (@newer_than_time::timestamptz, @newer_than_id::text)
      AND (sqlc.narg('status')::text IS NULL OR r.status = sqlc.narg('status'))
      AND (sqlc.narg('event_id')::text IS NULL OR r.event_id = sqlc.narg('event_id'))
      AND (sqlc.narg('customer_id')::text IS NULL OR r.customer_id = sqlc.narg('customer_id'))
    ORDER BY r.created_at, r.id
    LIMIT @row_limit
) AS page
ORDER BY page.created_at, page.id;

-- name: ReservationsByTicket :many
SELECT r.* FROM unnest(@ticket_ids::text[]) AS asked(id)
JOIN reservations r ON r.tickets @> jsonb_build_array(asked.id);
