-- Disputes are objects, found by their ids. Payments that were disputed before this migration have theirs after "projector rebuild payments".
ALTER TABLE payments ADD COLUMN disputes jsonb NOT NULL DEFAULT '[]'; -- [{id, gatewayId, amount: {minor, currency}, status, reason, createdAt}]
CREATE INDEX ON payments USING gin (disputes jsonb_path_ops);

-- Sums of amounts fit whatever was sold, and what banks gave to customers by disputes is not revenue. Sales that were lost before this migration
-- are counted after "projector rebuild sales".
ALTER TABLE sales DROP COLUMN net;
ALTER TABLE sales ALTER COLUMN gross TYPE numeric, ALTER COLUMN refunded TYPE numeric;
ALTER TABLE sales ADD COLUMN lost numeric NOT NULL DEFAULT 0;
ALTER TABLE sales ADD COLUMN net numeric NOT NULL GENERATED ALWAYS AS (gross - refunded - lost) STORED;

ALTER TABLE section_sales DROP COLUMN net;
ALTER TABLE section_sales ALTER COLUMN gross TYPE numeric, ALTER COLUMN refunded TYPE numeric;
ALTER TABLE section_sales ADD COLUMN lost numeric NOT NULL DEFAULT 0;
ALTER TABLE section_sales ADD COLUMN net numeric NOT NULL GENERATED ALWAYS AS (gross - refunded - lost) STORED;

ALTER TABLE customer_spend DROP COLUMN net;
ALTER TABLE customer_spend ALTER COLUMN spent TYPE numeric, ALTER COLUMN refunded TYPE numeric;
ALTER TABLE customer_spend ADD COLUMN net numeric NOT NULL GENERATED ALWAYS AS (spent - refunded) STORED;
CREATE INDEX ON customer_spend (currency, net, customer_id);
