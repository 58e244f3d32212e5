-- name: ReservationsByID :many
SELECT * FROM reservations WHERE id = ANY (@ids::text[]);

-- name: ReservationsNewestFirst :many
SELECT * FROM reservations
WHERE customer_id = @customer_id
  AND (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
ORDER BY created_at DESC, id DESC
LIMIT @row_limit;

-- name: ReservationsOldestFirst :many
SELECT * FROM reservations
WHERE customer_id = @customer_id
  AND (created_at, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (created_at, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
ORDER BY created_at, id
LIMIT @row_limit;
