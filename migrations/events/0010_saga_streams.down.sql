DROP TABLE saga_aside;
DROP TABLE saga_events;
