-- name: AddInventories :exec
-- Makes a row to lock for each stream, also for one without any.
INSERT INTO inventories (event_id, version) SELECT unnest(@event_ids::text[]), 0 ON CONFLICT DO NOTHING;

-- name: LockInventories :many
SELECT event_id, version FROM inventories WHERE event_id = ANY (@event_ids::text[]) ORDER BY event_id FOR UPDATE;

-- name: LoadSections :many
SELECT * FROM sections WHERE event_id = ANY (@event_ids::text[]) ORDER BY event_id, ordinal;

-- name: MoveInventories :exec
UPDATE inventories i SET version = n.version
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@versions::bigint[]) AS version) n
WHERE i.event_id = n.event_id;

-- name: AddSections :exec
INSERT INTO sections (event_id, name, ordinal, price, currency, seated, capacity, available, reserved, sold, blocked)
SELECT unnest(@event_ids::text[]), unnest(@names::text[]), unnest(@ordinals::int[]), unnest(@prices::bigint[]),
       unnest(@currencies::text[]), unnest(@seated::boolean[]), unnest(@capacities::int[]), unnest(@available::int[]),
       unnest(@reserved::int[]), unnest(@sold::int[]), unnest(@blocked::int[]);

-- name: MoveSections :exec
-- Moves counters by the difference that the batch makes, never to a value.
UPDATE sections s SET price = d.price, capacity = s.capacity + d.capacity, available = s.available + d.available,
    reserved = s.reserved + d.reserved, sold = s.sold + d.sold, blocked = s.blocked + d.blocked
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@names::text[]) AS name, unnest(@prices::bigint[]) AS price,
             unnest(@capacities::int[]) AS capacity, unnest(@available::int[]) AS available, unnest(@reserved::int[]) AS reserved,
             unnest(@sold::int[]) AS sold, unnest(@blocked::int[]) AS blocked) d
WHERE s.event_id = d.event_id AND s.name = d.name;

-- name: AddSeats :exec
INSERT INTO seats (event_id, section, label, ordinal, status, accessible, restricted_view, layout)
SELECT unnest(@event_ids::text[]), unnest(@sections::text[]), unnest(@labels::text[]), unnest(@ordinals::int[]),
       unnest(@statuses::text[]), unnest(@accessible::boolean[]), unnest(@restricted_view::boolean[]),
       nullif(unnest(@layouts::text[]), '')::double precision[];

-- name: RemoveSeats :exec
DELETE FROM seats s
USING (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section, unnest(@labels::text[]) AS label) n
WHERE s.event_id = n.event_id AND s.section = n.section AND s.label = n.label;

-- name: DeleteSeats :exec
DELETE FROM seats WHERE event_id = @event_id AND section = @section;

-- name: InventoryVersion :one
SELECT coalesce((SELECT version FROM inventories WHERE event_id = @event_id), 0)::bigint;

-- name: LoadSeats :many
SELECT seats.*
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section, unnest(@labels::text[]) AS label) n
JOIN seats ON seats.event_id = n.event_id AND seats.section = n.section AND seats.label = n.label;

-- name: LoadSeatsOfSections :many
SELECT seats.*
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section) n
JOIN seats ON seats.event_id = n.event_id AND seats.section = n.section;

-- name: MoveSeats :exec
UPDATE seats s SET status = n.status, accessible = n.accessible, restricted_view = n.restricted_view
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section, unnest(@labels::text[]) AS label,
             unnest(@statuses::text[]) AS status, unnest(@accessible::boolean[]) AS accessible,
             unnest(@restricted_view::boolean[]) AS restricted_view) n
WHERE s.event_id = n.event_id AND s.section = n.section AND s.label = n.label;
