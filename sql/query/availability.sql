-- name: InventoriesWithSections :many
-- One statement, so that the version and the counts are of the same moment.
SELECT i.event_id, i.version, s.name, s.price, s.currency, s.seated, s.capacity, s.available, s.reserved, s.sold, s.blocked
FROM inventories i
JOIN sections s USING (event_id)
WHERE i.event_id = ANY (@event_ids::text[])
ORDER BY i.event_id, s.ordinal;

-- name: SeatsInOrder :many
SELECT label, status, ordinal, accessible, restricted_view FROM seats
WHERE event_id = @event_id AND section = @section AND ordinal > @after AND ordinal < @before
ORDER BY ordinal
LIMIT @row_limit;

-- name: SeatsInReverse :many
SELECT label, status, ordinal, accessible, restricted_view FROM seats
WHERE event_id = @event_id AND section = @section AND ordinal > @after AND ordinal < @before
ORDER BY ordinal DESC
LIMIT @row_limit;
