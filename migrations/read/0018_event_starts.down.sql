DROP INDEX events_starts;
