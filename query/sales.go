package query

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ticketing/internal/money"
	"ticketing/query/db"
)

// Sales is what was sold and given back.
type Sales struct {
	Sold     int64 // tickets of reservations that were completed
	Returned int64 // of these, tickets of reservations that were given back in full
	Tickets  int64 // the rest
	Gross    money.Money
	Refunded money.Money
	Net      money.Money
}

// SectionSales is what was sold of a section.
type SectionSales struct {
	Sales

	EventID string
	Section string
}

// DaySales is what was sold and what was given back on a day of UTC, whenever that had been sold: it may be below zero.
type DaySales struct {
	Sales

	Day time.Time
}

// SalesReport is what was sold for an event, and how that is made up.
type SalesReport struct {
	Sales

	EventID   string
	BySection []SectionSales
	ByDay     []DaySales
}

// Days are days of UTC, with both ends.
type Days struct{ First, Last *time.Time }

// SalesReport answers what was sold for an event in these days, with the sections that sold nothing. Without any section there is no
// currency, and so no report: nil.
func (r *Reader) SalesReport(ctx context.Context, eventID string, days Days) (*SalesReport, error) {
	arg := db.SalesOfEventParams{EventID: eventID, FirstDay: beforeAll.at, LastDay: afterAll.at}
	if days.First != nil {
		arg.FirstDay = *days.First
	}
	if days.Last != nil {
		arg.LastDay = *days.Last
	}
	rows, err := r.db.SalesOfEvent(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("query: read sales of %s: %w", eventID, err)
	}
	inventories, err := r.Inventories(ctx, []string{eventID})
	if err != nil {
		return nil, err
	}
	sections := inventories[eventID].Sections
	if len(rows)+len(sections) == 0 {
		return nil, nil //nolint:nilnil // nothing to sell is a valid state
	}
	return salesReport(eventID, rows, sections), nil
}

func salesReport(eventID string, rows []db.SalesOfEventRow, sections []Section) *SalesReport {
	report := &SalesReport{EventID: eventID, BySection: []SectionSales{}, ByDay: []DaySales{}}
	sold := map[string]Sales{}
	for _, row := range rows {
		sales := sales(row.Currency, row.Sold, row.Returned, row.Gross, row.Refunded)
		switch {
		case row.OfSection:
			sold[row.Section] = sales
		case row.OfDay:
			report.ByDay = append(report.ByDay, DaySales{Sales: sales, Day: row.Day})
		default:
			report.Sales = sales
		}
	}
	if len(rows) == 0 {
		report.Sales = sales(sections[0].Price.Currency, 0, 0, 0, 0)
	}
	for _, s := range sections {
		ofSection, some := sold[s.Name]
		if !some {
			ofSection = sales(s.Price.Currency, 0, 0, 0, 0)
		}
		report.BySection = append(report.BySection, SectionSales{Sales: ofSection, EventID: eventID, Section: s.Name})
		delete(sold, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(sold)) { // another projection keeps the sections, and may be behind
		report.BySection = append(report.BySection, SectionSales{Sales: sold[name], EventID: eventID, Section: name})
	}
	return report
}

// standing is the key of the sections by what they sold.
type standing struct {
	tickets        int64
	event, section string
}

func (l list) parseStanding(cursor string) (standing, error) {
	tickets, id, ok := l.decode(cursor)
	event, section, both := strings.Cut(id, ":")
	if !ok || !both || event == "" {
		return standing{}, malformed()
	}
	return standing{tickets: tickets, event: event, section: section}, nil
}

// SectionPage answers the sections of all events that sold tickets, those that sold most first.
func (r *Reader) SectionPage(ctx context.Context, args PageArgs) (Page[SectionSales], error) {
	w, err := parseWindow(args, standing{tickets: math.MaxInt64}, standing{tickets: 1}, sectionList.parseStanding)
	if err != nil {
		return Page[SectionSales]{}, err
	}
	arg := db.SectionSalesBestFirstParams{
		FewerThan: w.after.tickets, FewerThanEvent: w.after.event, FewerThanSection: w.after.section,
		MoreThan: w.before.tickets, MoreThanEvent: w.before.event, MoreThanSection: w.before.section, RowLimit: w.rows(),
	}
	var rows []db.SectionSalesBestFirstRow
	if w.backward {
		var reverse []db.SectionSalesWorstFirstRow
		reverse, err = r.lists.SectionSalesWorstFirst(ctx, db.SectionSalesWorstFirstParams(arg))
		rows = convert(reverse, func(row db.SectionSalesWorstFirstRow) db.SectionSalesBestFirstRow {
			return db.SectionSalesBestFirstRow(row)
		})
	} else {
		rows, err = r.lists.SectionSalesBestFirst(ctx, arg)
	}
	if err != nil {
		return Page[SectionSales]{}, fmt.Errorf("query: list sections: %w", err)
	}
	return page(w, convert(rows, sectionSales), func(s SectionSales) string {
		return sectionList.encode(strconv.FormatInt(s.Tickets, 10), s.EventID+":"+s.Section)
	}), nil
}

func sectionSales(row db.SectionSalesBestFirstRow) SectionSales {
	return SectionSales{
		Sales: sales(row.Currency, row.Sold, row.Returned, row.Gross, row.Refunded), EventID: row.EventID, Section: row.Section,
	}
}

func sales(currency string, sold, returned, gross, refunded int64) Sales {
	return Sales{
		Sold: sold, Returned: returned, Tickets: sold - returned,
		Gross:    money.Money{Minor: gross, Currency: currency},
		Refunded: money.Money{Minor: refunded, Currency: currency},
		Net:      money.Money{Minor: gross - refunded, Currency: currency},
	}
}
