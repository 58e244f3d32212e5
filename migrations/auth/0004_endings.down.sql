DROP TABLE used_links;
ALTER TABLE users DROP COLUMN epoch;
