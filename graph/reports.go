package graph

import (
	"context"
	"time"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/id"
	"ticketing/query"
)

type (
	salesReportResolver  struct{ *Resolver }
	sectionSalesResolver struct{ *Resolver }
)

// SalesReport implements generated.QueryResolver.
func (r queryResolver) SalesReport(ctx context.Context, eventID string, from, until *time.Time) (*query.SalesReport, error) {
	if err := checkID(id.Event, eventID); err != nil {
		return nil, err
	}
	if from != nil && until != nil && until.Before(*from) {
		return nil, apierror.New(apierror.BadUserInput, "until must not be before from")
	}
	e, err := loadersOf(ctx).events.load(ctx, eventID)
	if err != nil {
		return nil, err
	}
	if e == nil || !seesEvent(ctx, *e) {
		return nil, apierror.New(apierror.NotFound, "there is no such event")
	}
	if err := seesSalesOf(ctx, *e); err != nil {
		return nil, err
	}
	return r.reads.SalesReport(ctx, eventID, query.Days{First: from, Last: until})
}

// PopularSections implements generated.QueryResolver.
func (r queryResolver) PopularSections(ctx context.Context, first *int, after *string, last *int, before *string) (*model.SectionSalesConnection, error) {
	page, err := r.reads.SectionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	loadersOf(ctx).sawSections(page.Items)
	c := &model.SectionSalesConnection{Nodes: pointers(page.Items), PageInfo: pageInfo(page.Info)}
	for i, node := range c.Nodes {
		c.Edges = append(c.Edges, &model.SectionSalesEdge{Cursor: page.Cursors[i], Node: node})
	}
	return c, nil
}

// Event implements generated.SalesReportResolver.
func (salesReportResolver) Event(ctx context.Context, s *query.SalesReport) (*query.Event, error) {
	return loadersOf(ctx).events.load(ctx, s.EventID)
}

// Event implements generated.SectionSalesResolver. Whoever sees what was sold sees of which event.
func (sectionSalesResolver) Event(ctx context.Context, s *query.SectionSales) (*query.Event, error) {
	return loadersOf(ctx).events.load(ctx, s.EventID)
}
