DROP TABLE deadlines, saga_cursor;
