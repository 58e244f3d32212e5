package shop

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// eventsOnPage is how many events a page lists.
	eventsOnPage = 20
	// stillOn is for how long after its beginning an event is listed: latecomers look for it.
	stillOn = 3 * time.Hour
	// longestSearch bounds a search, in bytes: the API takes 200 characters.
	longestSearch = 200
)

// listing is what the list of events shows.
type listing struct {
	Search  string
	From    string // a day, as date fields have it
	Months  []month
	More    string // the address of the next page, "" on the last one
	Later   bool   // it is not the first page
	CanDemo bool
}

// month is the events of one month.
type month struct {
	Name   string
	Events []event
}

// showEvents serves the list of events: GET /.
func (s *Shop) showEvents(v *visit) {
	v.showPublic(func(v *visit) (*publicPage, error) {
		query := v.r.URL.Query()
		shown := listing{
			Search: strings.TrimSpace(query.Get("q")), From: query.Get("from"), Later: query.Get("after") != "", CanDemo: s.cfg.Development,
		}
		shown.Search = strings.ToValidUTF8(shown.Search[:min(len(shown.Search), longestSearch)], "")
		var data struct {
			Events struct {
				Nodes    []event
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		if err := v.execute("list", "Events", shown.variables(query.Get("after")), &data); err != nil {
			return nil, err
		}
		shown.Months = v.lang.groupByMonth(data.Events.Nodes)
		if data.Events.PageInfo.HasNextPage {
			next := url.Values{"after": {data.Events.PageInfo.EndCursor}}
			if shown.Search != "" {
				next.Set("q", shown.Search)
			}
			if shown.From != "" {
				next.Set("from", shown.From)
			}
			shown.More = "?" + next.Encode()
		}
		body, err := v.render("list", view{
			Title: v.lang.text("list.title"), Description: v.lang.text("list.description"), Public: true, Data: shown,
		})
		if err != nil {
			return nil, err
		}
		return newPublicPage(body), nil
	})
}

// variables of the list. Its beginning moves once a minute, so that the page stays the same in between.
func (l listing) variables(after string) vars {
	from := time.Now().UTC().Truncate(time.Minute).Add(-stillOn)
	if day, err := time.Parse(time.DateOnly, l.From); err == nil {
		from = day
	}
	filter := vars{"startsAfter": from}
	if l.Search != "" {
		filter["search"] = l.Search
	}
	variables := vars{"filter": filter, "first": eventsOnPage}
	if after != "" {
		variables["after"] = after
	}
	return variables
}

// groupByMonth returns the events by when they begin.
func (l *language) groupByMonth(events []event) []month {
	slices.SortStableFunc(events, func(a, b event) int { return a.StartsAt.Compare(b.StartsAt) })
	var months []month
	for _, e := range events {
		at := in(e.StartsAt, e.TimeZone)
		name := l.text("month."+at.Format("Jan")) + " " + at.Format("2006")
		if len(months) == 0 || months[len(months)-1].Name != name {
			months = append(months, month{Name: name})
		}
		last := &months[len(months)-1]
		last.Events = append(last.Events, e)
	}
	return months
}
