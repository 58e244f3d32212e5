DROP TABLE relay_partitions, relay_cursor;
