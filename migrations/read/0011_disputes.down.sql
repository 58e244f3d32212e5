ALTER TABLE customer_spend DROP COLUMN net;
ALTER TABLE customer_spend ALTER COLUMN spent TYPE bigint, ALTER COLUMN refunded TYPE bigint;
ALTER TABLE customer_spend ADD COLUMN net bigint NOT NULL GENERATED ALWAYS AS (spent - refunded) STORED;
CREATE INDEX ON customer_spend (currency, net, customer_id);

ALTER TABLE section_sales DROP COLUMN net;
ALTER TABLE section_sales DROP COLUMN lost;
ALTER TABLE section_sales ALTER COLUMN gross TYPE bigint, ALTER COLUMN refunded TYPE bigint;
ALTER TABLE section_sales ADD COLUMN net bigint NOT NULL GENERATED ALWAYS AS (gross - refunded) STORED;

ALTER TABLE sales DROP COLUMN net;
ALTER TABLE sales DROP COLUMN lost;
ALTER TABLE sales ALTER COLUMN gross TYPE bigint, ALTER COLUMN refunded TYPE bigint;
ALTER TABLE sales ADD COLUMN net bigint NOT NULL GENERATED ALWAYS AS (gross - refunded) STORED;

ALTER TABLE payments DROP COLUMN disputes;
