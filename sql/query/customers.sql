-- name: CustomersByID :many
SELECT * FROM customers WHERE id = ANY (@ids::text[]);

-- name: SpendOfCustomers :many
SELECT customer_id, currency, least(spent, 9223372036854775807)::bigint AS spent, least(refunded, 9223372036854775807)::bigint AS refunded,
       least(net, 9223372036854775807)::bigint AS net
FROM customer_spend WHERE customer_id = ANY (@customer_ids::text[])
ORDER BY customer_id, currency;

-- name: CustomersNewestFirst :many
SELECT * FROM customers
WHERE (first_seen, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (first_seen, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
ORDER BY first_seen DESC, id DESC
LIMIT @row_limit;

-- name: CustomersOldestFirst :many
SELECT * FROM customers
WHERE (first_seen, id) < (@older_than_time::timestamptz, @older_than_id::text)
  AND (first_seen, id) > (@newer_than_time::timestamptz, @newer_than_id::text)
ORDER BY first_seen, id
LIMIT @row_limit;

-- name: CustomersHighestSpendFirst :many
SELECT sqlc.embed(c), least(s.net, 9223372036854775807)::bigint AS net FROM customer_spend s
JOIN customers c ON c.id = s.customer_id
WHERE s.currency = @currency
  AND (s.net, s.customer_id) < (@less_than::bigint, @less_than_id::text)
  AND (s.net, s.customer_id) > (@more_than::bigint, @more_than_id::text)
ORDER BY s.net DESC, s.customer_id DESC
LIMIT @row_limit;

-- name: CustomersLowestSpendFirst :many
SELECT sqlc.embed(c), least(s.net, 9223372036854775807)::bigint AS net FROM customer_spend s
JOIN customers c ON c.id = s.customer_id
WHERE s.currency = @currency
  AND (s.net, s.customer_id) < (@less_than::bigint, @less_than_id::text)
  AND (s.net, s.customer_id) > (@more_than::bigint, @more_than_id::text)
ORDER BY s.net, s.customer_id
LIMIT @row_limit;

-- name: HistoryOfNewestFirst :many
-- A page for each of the customers.
SELECT page.* FROM unnest(@owners::text[]) AS owner (id)
CROSS JOIN LATERAL (
    SELECT * FROM customer_history h
    WHERE h.customer_id = owner.id AND h.position < @older_than::bigint AND h.position > @newer_than::bigint
    ORDER BY h.position DESC
    LIMIT @row_limit
) AS page
ORDER BY page.position DESC;

-- name: HistoryOfOldestFirst :many
-- A page for each of the customers.
SELECT page.* FROM unnest(@owners::text[]) AS owner (id)
CROSS JOIN LATERAL (
    SELECT * FROM customer_history h
    WHERE h.customer_id = owner.id AND h.position < @older_than::bigint AND h.position > @newer_than::bigint
    ORDER BY h.position
    LIMIT @row_limit
) AS page
ORDER BY page.position;
