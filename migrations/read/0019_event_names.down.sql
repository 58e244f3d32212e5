DROP INDEX events_names;
