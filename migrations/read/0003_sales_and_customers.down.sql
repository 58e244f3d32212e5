DROP TABLE sale_reservations, sale_payments, sales, section_sales, customer_streams, customers, customer_spend, customer_history;
