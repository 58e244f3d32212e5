DROP TABLE ticket_holders;
