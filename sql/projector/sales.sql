-- name: SaleReservationsOfPayments :many
SELECT reservation_id FROM sale_payments WHERE id = ANY (@ids::text[]);

-- name: LoadSaleReservations :many
SELECT * FROM sale_reservations WHERE id = ANY (@ids::text[]);

-- name: LoadSalePayments :many
SELECT * FROM sale_payments WHERE id = ANY (@ids::text[]);

-- name: SaveSaleReservations :execrows
-- Compare and set: a row that another writer has changed since it was read is not counted.
INSERT INTO sale_reservations (id, revision, version, event_id, currency, sections, payment_id, sold_at, returned_at, time_zone)
SELECT unnest(@ids::text[]), unnest(@revisions::bigint[]), unnest(@versions::bigint[]), unnest(@event_ids::text[]),
       unnest(@currencies::text[]), unnest(@sections::text[])::jsonb, nullif(unnest(@payment_ids::text[]), ''),
       unnest(@sold_ats::timestamptz[]), unnest(@returned_ats::timestamptz[]), unnest(@time_zones::text[])
ON CONFLICT (id) DO UPDATE SET
    revision = excluded.revision, version = excluded.version, event_id = excluded.event_id, currency = excluded.currency,
    sections = excluded.sections, payment_id = excluded.payment_id, sold_at = excluded.sold_at, returned_at = excluded.returned_at,
    time_zone = excluded.time_zone
WHERE sale_reservations.revision = excluded.revision - 1;

-- name: SaveSalePayments :exec
-- A row is the fold of its stream up to its version, and of two writers the one that read further is right. What is counted of it
-- goes with a new revision of the reservation.
INSERT INTO sale_payments (id, version, reservation_id, event_id, refunds)
SELECT unnest(@ids::text[]), unnest(@versions::bigint[]), unnest(@reservation_ids::text[]), unnest(@event_ids::text[]),
       unnest(@refunds::text[])::jsonb
ON CONFLICT (id) DO UPDATE SET version = excluded.version, refunds = excluded.refunds
WHERE sale_payments.version < excluded.version;

-- name: MoveSales :exec
-- Moves sums by the difference that the batch makes, never to a value.
INSERT INTO sales (event_id, section, day, currency, sold, returned, gross, refunded, lost)
SELECT unnest(@event_ids::text[]), unnest(@sections::text[]), unnest(@days::date[]), unnest(@currencies::text[]),
       unnest(@sold::bigint[]), unnest(@returned::bigint[]), unnest(@gross::text[])::numeric, unnest(@refunded::text[])::numeric,
       unnest(@lost::text[])::numeric
ON CONFLICT (event_id, section, day, currency) DO UPDATE SET
    sold = sales.sold + excluded.sold, returned = sales.returned + excluded.returned,
    gross = sales.gross + excluded.gross, refunded = sales.refunded + excluded.refunded, lost = sales.lost + excluded.lost;

-- name: MoveSectionSales :exec
INSERT INTO section_sales (event_id, section, currency, sold, returned, gross, refunded, lost)
SELECT d.event_id, d.section, d.currency, sum(d.sold)::bigint, sum(d.returned)::bigint, sum(d.gross), sum(d.refunded), sum(d.lost)
FROM (SELECT unnest(@event_ids::text[]) AS event_id, unnest(@sections::text[]) AS section, unnest(@currencies::text[]) AS currency,
             unnest(@sold::bigint[]) AS sold, unnest(@returned::bigint[]) AS returned, unnest(@gross::text[])::numeric AS gross,
             unnest(@refunded::text[])::numeric AS refunded, unnest(@lost::text[])::numeric AS lost) d
GROUP BY d.event_id, d.section, d.currency
ORDER BY d.event_id COLLATE "C", d.section COLLATE "C", d.currency COLLATE "C"
ON CONFLICT (event_id, section, currency) DO UPDATE SET
    sold = section_sales.sold + excluded.sold, returned = section_sales.returned + excluded.returned,
    gross = section_sales.gross + excluded.gross, refunded = section_sales.refunded + excluded.refunded, lost = section_sales.lost + excluded.lost;
