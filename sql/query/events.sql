-- name: EventsByID :many
SELECT id, version, organizer_id, name, description, venue, starts_at, time_zone, sales_open_at, sales_close_at,
       max_tickets_per_reservation, max_tickets_per_customer, payment_attempts, status, created_at, withdrawn, deleted, cancellation_reason
FROM events WHERE id = ANY (@ids::text[]);

-- name: EventsFound :many
-- Materialized, so that it is planned as if all were wanted: what is rare is found by its index, and of what is frequent whatever comes first.
WITH found AS MATERIALIZED (
    SELECT id, created_at, starts_at, lower(name)::text AS sort_name FROM events
    WHERE (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
      AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
      AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
      AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
      AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
      AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
)
SELECT id, created_at, starts_at, sort_name FROM found LIMIT @row_limit;

-- name: EventsNewestFirst :many
SELECT id, version, organizer_id, name, description, venue, starts_at, time_zone, sales_open_at, sales_close_at,
       max_tickets_per_reservation, max_tickets_per_customer, payment_attempts, status, created_at, withdrawn, deleted, cancellation_reason
FROM events
WHERE (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
  AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
  AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
  AND (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
  AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
ORDER BY created_at DESC, id DESC
LIMIT @row_limit;

-- name: EventsOldestFirst :many
SELECT id, version, organizer_id, name, description, venue, starts_at, time_zone, sales_open_at, sales_close_at,
       max_tickets_per_reservation, max_tickets_per_customer, payment_attempts, status, created_at, withdrawn, deleted, cancellation_reason
FROM events
WHERE (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
  AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
  AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
  AND (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
  AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
ORDER BY created_at, id
LIMIT @row_limit;

-- name: EventsByStart :many
SELECT id, created_at, starts_at, lower(name)::text AS sort_name FROM events
WHERE (sqlc.narg('low')::timestamptz IS NULL OR (starts_at, id) > (sqlc.narg('low')::timestamptz, @low_id::text))
  AND (sqlc.narg('high')::timestamptz IS NULL OR (starts_at, id) < (sqlc.narg('high')::timestamptz, @high_id::text))
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
  AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
  AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
  AND (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
  AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
ORDER BY starts_at, id
LIMIT @row_limit;

-- name: EventsByStartReversed :many
SELECT id, created_at, starts_at, lower(name)::text AS sort_name FROM events
WHERE (sqlc.narg('low')::timestamptz IS NULL OR (starts_at, id) > (sqlc.narg('low')::timestamptz, @low_id::text))
  AND (sqlc.narg('high')::timestamptz IS NULL OR (starts_at, id) < (sqlc.narg('high')::timestamptz, @high_id::text))
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
  AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
  AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
  AND (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
  AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
ORDER BY starts_at DESC, id DESC
LIMIT @row_limit;

-- name: EventsByName :many
SELECT id, created_at, starts_at, lower(name)::text AS sort_name FROM events
WHERE (sqlc.narg('low')::text IS NULL OR (lower(name) COLLATE "C", id) > (sqlc.narg('low')::text, @low_id::text))
  AND (sqlc.narg('high')::text IS NULL OR (lower(name) COLLATE "C", id) < (sqlc.narg('high')::text, @high_id::text))
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
  AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
  AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
  AND (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
  AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
ORDER BY lower(name) COLLATE "C", id
LIMIT @row_limit;

-- name: EventsByNameReversed :many
SELECT id, created_at, starts_at, lower(name)::text AS sort_name FROM events
WHERE (sqlc.narg('low')::text IS NULL OR (lower(name) COLLATE "C", id) > (sqlc.narg('low')::text, @low_id::text))
  AND (sqlc.narg('high')::text IS NULL OR (lower(name) COLLATE "C", id) < (sqlc.narg('high')::text, @high_id::text))
  AND (sqlc.narg('status')::text IS NULL OR status = sqlc.narg('status'))
  AND (sqlc.narg('organizer_id')::text IS NULL OR organizer_id = sqlc.narg('organizer_id'))
  AND (sqlc.narg('starts_after')::timestamptz IS NULL OR starts_at >= sqlc.narg('starts_after'))
  AND (sqlc.narg('starts_before')::timestamptz IS NULL OR starts_at < sqlc.narg('starts_before'))
  AND (sqlc.narg('search')::text IS NULL OR search @@ sqlc.narg('search')::text::tsquery)
  AND NOT deleted AND (@see_all::boolean OR (status <> 'DRAFT' AND NOT withdrawn) OR organizer_id = @viewer::text)
ORDER BY lower(name) COLLATE "C" DESC, id DESC
LIMIT @row_limit;
