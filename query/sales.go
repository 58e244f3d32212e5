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

// Sales is what was sold and returned.
type Sales struct {
	Sold     int64 // tickets of completed reservations
	Returned int64 // of these, tickets that were refunded
	Tickets  int64 // the rest
	Gross    money.Money
	Refunded money.Money
	Lost     money.Money // by disputes
	Net      money.Money
}

// SectionSales is what was sold of a section.
type SectionSales struct {
	Sales

	EventID string
	Section string
}

// DaySales is what was sold and what was returned on a day of its event. Tickets may have been sold on an earlier day, so it may be negative.
type DaySales struct {
	Sales

	Day time.Time
}

// SalesReport is what was sold for an event, with its parts.
type SalesReport struct {
	Sales

	EventID   string
	BySection []SectionSales
	ByDay     []DaySales
}

// Days is a range of days, both ends included; a nil end is open.
type Days struct{ First, Last *time.Time }

// SalesReport returns what was sold for an event in a range of days, including the sections that sold nothing. It returns nil for an event
// without sections, which has no currency.
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
		return nil, fmt.Errorf("read sales of %s: %w", eventID, err)
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
		sales := newSales(row.Currency, row.Sold, row.Returned, row.Gross, row.Refunded, row.Lost)
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
		report.Sales = newSales(sections[0].Price.Currency, 0, 0, 0, 0, 0)
	}
	for _, s := range sections {
		ofSection, some := sold[s.Name]
		if !some {
			ofSection = newSales(s.Price.Currency, 0, 0, 0, 0, 0)
		}
		report.BySection = append(report.BySection, SectionSales{Sales: ofSection, EventID: eventID, Section: s.Name})
		delete(sold, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(sold)) { // the sections come from another projection, which may be behind
		report.BySection = append(report.BySection, SectionSales{Sales: sold[name], EventID: eventID, Section: name})
	}
	return report
}

// standing is the key of sections in the order of what they sold.
type standing struct {
	tickets        int64
	event, section string
}

func (l list) parseStanding(cursor string) (standing, error) {
	tickets, id, ok := l.decodeCursor(cursor)
	event, section, both := strings.Cut(id, ":")
	if !ok || !both || event == "" {
		return standing{}, newMalformedCursor()
	}
	return standing{tickets: tickets, event: event, section: section}, nil
}

// SectionPage returns a page of all events' sections that have sold tickets, those that sold most first.
func (r *Reader) SectionPage(ctx context.Context, args PageArgs) (Page[SectionSales], error) {
	w, err := parseWindow(args, standing{tickets: math.MaxInt64}, standing{tickets: 1}, sectionList.parseStanding)
	if err != nil {
		return Page[SectionSales]{}, err
	}
	arg := db.SectionSalesBestFirstParams{
		FewerThan: w.after.tickets, FewerThanEvent: w.after.event, FewerThanSection: w.after.section,
		MoreThan: w.before.tickets, MoreThanEvent: w.before.event, MoreThanSection: w.before.section, RowLimit: w.rowLimit(),
	}
	var rows []db.SectionSalesBestFirstRow
	if w.backward {
		var reverse []db.SectionSalesWorstFirstRow
		reverse, err = r.lists.SectionSalesWorstFirst(ctx, db.SectionSalesWorstFirstParams(arg))
		rows = convertRows(reverse, func(row db.SectionSalesWorstFirstRow) db.SectionSalesBestFirstRow {
			return db.SectionSalesBestFirstRow(row)
		})
	} else {
		rows, err = r.lists.SectionSalesBestFirst(ctx, arg)
	}
	if err != nil {
		return Page[SectionSales]{}, fmt.Errorf("list sections: %w", err)
	}
	return cutPage(w, convertRows(rows, sectionSales), func(s SectionSales) string {
		return sectionList.encodeCursor(strconv.FormatInt(s.Tickets, 10), s.EventID+":"+s.Section)
	}), nil
}

func sectionSales(row db.SectionSalesBestFirstRow) SectionSales {
	return SectionSales{
		Sales: newSales(row.Currency, row.Sold, row.Returned, row.Gross, row.Refunded, row.Lost), EventID: row.EventID, Section: row.Section,
	}
}

func newSales(currency string, sold, returned, gross, refunded, lost int64) Sales {
	return Sales{
		Sold: sold, Returned: returned, Tickets: sold - returned,
		Gross:    money.Money{Minor: gross, Currency: currency},
		Refunded: money.Money{Minor: refunded, Currency: currency},
		Lost:     money.Money{Minor: lost, Currency: currency},
		Net:      money.Money{Minor: gross - refunded - lost, Currency: currency},
	}
}
