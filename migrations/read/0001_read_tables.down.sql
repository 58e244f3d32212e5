DROP TABLE payments, reservations, seats, sections, inventories, events;
