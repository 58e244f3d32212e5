-- name: InventoriesWithSections :many
-- One statement, so that the version and the counts are of the same moment.
SELECT i.event_id, i.version, s.name, s.price, s.currency, s.seated, s.capacity, s.available, s.reserved, s.sold, s.blocked
FROM inventories i
JOIN sections s USING (event_id)
WHERE i.event_id = ANY (@event_ids::text[])
ORDER BY i.event_id, s.ordinal;

-- name: SeatsInOrder :many
-- A page for each of the sections.
SELECT page.event_id, page.section, page.label, page.status, page.ordinal, page.accessible, page.restricted_view
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section) AS asked
CROSS JOIN LATERAL (
    SELECT s.event_id, s.section, s.label, s.status, s.ordinal, s.accessible, s.restricted_view FROM seats s
    WHERE s.event_id = asked.event_id AND s.section = asked.section AND s.ordinal > @after AND s.ordinal < @before
      AND (sqlc.narg('status')::text IS NULL OR s.status = sqlc.narg('status'))
      AND (sqlc.narg('accessible')::boolean IS NULL OR s.accessible = sqlc.narg('accessible'))
      AND (sqlc.narg('restricted_view')::boolean IS NULL OR s.restricted_view = sqlc.narg('restricted_view'))
    ORDER BY s.ordinal
    LIMIT @row_limit
) AS page
ORDER BY page.ordinal;

-- name: SeatsInReverse :many
-- A page for each of the sections.
SELECT page.event_id, page.section, page.label, page.status, page.ordinal, page.accessible, page.restricted_view
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section) AS asked
CROSS JOIN LATERAL (
    SELECT s.event_id, s.section, s.label, s.status, s.ordinal, s.accessible, s.restricted_view FROM seats s
    WHERE s.event_id = asked.event_id AND s.section = asked.section AND s.ordinal > @after AND s.ordinal < @before
      AND (sqlc.narg('status')::text IS NULL OR s.status = sqlc.narg('status'))
      AND (sqlc.narg('accessible')::boolean IS NULL OR s.accessible = sqlc.narg('accessible'))
      AND (sqlc.narg('restricted_view')::boolean IS NULL OR s.restricted_view = sqlc.narg('restricted_view'))
    ORDER BY s.ordinal DESC
    LIMIT @row_limit
) AS page
ORDER BY page.ordinal DESC;

-- name: SeatsOfSections :many
-- One statement, so that the version and the seats are of the same moment. The limit keeps PostgreSQL from joining whole tables.
SELECT i.event_id, i.version, page.section, page.label, page.status, page.layout
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section) AS asked
JOIN inventories i ON i.event_id = asked.event_id
CROSS JOIN LATERAL (
    SELECT s.section, s.label, s.status, s.ordinal, s.layout FROM seats s
    WHERE s.event_id = asked.event_id AND s.section = asked.section
    ORDER BY s.ordinal
    LIMIT @row_limit
) AS page
ORDER BY page.ordinal;

-- name: SeatsByLabel :many
-- As SeatsOfSections.
SELECT i.version, seat.section, seat.label, seat.status, seat.ordinal, seat.accessible, seat.restricted_view
FROM (SELECT unnest(@sections::text[]) AS section, unnest(@labels::text[]) AS label) AS asked
JOIN inventories i ON i.event_id = @event_id
CROSS JOIN LATERAL (
    SELECT s.section, s.label, s.status, s.ordinal, s.accessible, s.restricted_view FROM seats s
    WHERE s.event_id = @event_id AND s.section = asked.section AND s.label = asked.label
    LIMIT 1
) AS seat;
