-- name: LoadCustomerStreams :many
SELECT * FROM customer_streams WHERE id = ANY (@ids::text[]);

-- name: AddCustomerStreams :execrows
-- Compare and set: a stream that another writer has added since it was read is not counted.
INSERT INTO customer_streams (id, version, customer_id, event_id, reservation_id, tickets, amount, currency)
SELECT unnest(@ids::text[]), unnest(@versions::bigint[]), unnest(@customer_ids::text[]), unnest(@event_ids::text[]),
       unnest(@reservation_ids::text[]), unnest(@tickets::bigint[]), unnest(@amounts::bigint[]), unnest(@currencies::text[])
ON CONFLICT DO NOTHING;

-- name: MoveCustomerStreams :execrows
-- Compare and set: a stream that another writer has moved since it was read is not counted.
UPDATE customer_streams s SET version = n.version, tickets = n.tickets
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@expected::bigint[]) AS expected, unnest(@versions::bigint[]) AS version,
             unnest(@tickets::bigint[]) AS tickets) n
WHERE s.id = n.id AND s.version = n.expected;

-- name: MoveCustomers :exec
-- Moves counters by the difference that the batch makes, never to a value.
INSERT INTO customers (id, reservations, completed, returned, tickets, first_seen, last_seen)
SELECT unnest(@ids::text[]), unnest(@reservations::bigint[]), unnest(@completed::bigint[]), unnest(@returned::bigint[]),
       unnest(@tickets::bigint[]), unnest(@first_seen::timestamptz[]), unnest(@last_seen::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    reservations = customers.reservations + excluded.reservations, completed = customers.completed + excluded.completed,
    returned = customers.returned + excluded.returned, tickets = customers.tickets + excluded.tickets,
    first_seen = least(customers.first_seen, excluded.first_seen), last_seen = greatest(customers.last_seen, excluded.last_seen);

-- name: MoveCustomerSpend :exec
INSERT INTO customer_spend (customer_id, currency, spent, refunded)
SELECT unnest(@customer_ids::text[]), unnest(@currencies::text[]), unnest(@spent::text[])::numeric, unnest(@refunded::text[])::numeric
ON CONFLICT (customer_id, currency) DO UPDATE SET
    spent = customer_spend.spent + excluded.spent, refunded = customer_spend.refunded + excluded.refunded;

-- name: AddCustomerHistory :exec
INSERT INTO customer_history (customer_id, position, at, kind, event_id, reservation_id, payment_id, tickets, amount, currency)
SELECT unnest(@customer_ids::text[]), unnest(@positions::bigint[]), unnest(@ats::timestamptz[]), unnest(@kinds::text[]),
       unnest(@event_ids::text[]), unnest(@reservation_ids::text[]), nullif(unnest(@payment_ids::text[]), ''),
       unnest(@tickets::bigint[]), unnest(@amounts::bigint[]), unnest(@currencies::text[]);
