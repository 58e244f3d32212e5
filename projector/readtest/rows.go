package readtest

import "time"

// Sold is a row of the table sales, or of section_sales without a day.
type Sold struct {
	EventID, Section, Day, Currency string
	Sold, Returned, Gross, Refunded int64
	Lost                            int64
	Tickets, Net                    int64
}

// Sales returns the table sales.
func (w *World) Sales() []Sold {
	w.T.Helper()
	return rowsOf[Sold](w, `SELECT event_id, section, day::text, currency, sold, returned, gross::bigint, refunded::bigint, lost::bigint, tickets, net::bigint
		FROM sales ORDER BY event_id, section, day`)
}

// SectionSales returns the table section_sales.
func (w *World) SectionSales() []Sold {
	w.T.Helper()
	return rowsOf[Sold](w, `SELECT event_id, section, '' AS day, currency, sold, returned, gross::bigint, refunded::bigint, lost::bigint, tickets, net::bigint
		FROM section_sales ORDER BY event_id, section`)
}

// Customer is a row of the table customers.
type Customer struct {
	ID                                         string
	Reservations, Completed, Returned, Tickets int64
	FirstSeen, LastSeen                        time.Time
}

// Customers returns the table customers.
func (w *World) Customers() []Customer {
	w.T.Helper()
	return rowsOf[Customer](w, `SELECT id, reservations, completed, returned, tickets, first_seen, last_seen FROM customers ORDER BY id`)
}

// Spend is a row of the table customer_spend.
type Spend struct {
	CustomerID, Currency string
	Spent, Refunded, Net int64
}

// CustomerSpend returns the table customer_spend.
func (w *World) CustomerSpend() []Spend {
	w.T.Helper()
	return rowsOf[Spend](w, `SELECT customer_id, currency, spent::bigint, refunded::bigint, net::bigint FROM customer_spend ORDER BY customer_id, currency`)
}

// History is what a row of the table customer_history says.
type History struct {
	CustomerID, Kind, ReservationID, PaymentID string
	Tickets, Amount                            int64
}

// CustomerHistory returns the table customer_history.
func (w *World) CustomerHistory() []History {
	w.T.Helper()
	return rowsOf[History](w, `SELECT customer_id, kind, reservation_id, coalesce(payment_id, ''), tickets, amount
		FROM customer_history ORDER BY customer_id, position`)
}
