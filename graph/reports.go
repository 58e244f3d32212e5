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
	e, err := loadersOf(ctx).events.Load(ctx, eventID)
	if err != nil {
		return nil, err
	}
	if hideDraft(ctx, e) == nil {
		return nil, apierror.New(apierror.NotFound, "there is no such event")
	}
	if err := requireOrganizer(ctx, *e); err != nil {
		return nil, err
	}
	return r.reads.SalesReport(ctx, eventID, query.Days{First: from, Last: until})
}

// PopularSections implements generated.QueryResolver.
func (r queryResolver) PopularSections(ctx context.Context, first *int, after *string, last *int, before *string) (*model.SectionSalesConnection, error) {
	page, err := r.reads.SectionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before})
	loadersOf(ctx).addSections(page.Items)
	return newConnection(page), err
}

// Event implements generated.SalesReportResolver.
func (salesReportResolver) Event(ctx context.Context, s *query.SalesReport) (*query.Event, error) {
	return loadersOf(ctx).events.Load(ctx, s.EventID)
}

// Event implements generated.SectionSalesResolver. Who may see a section's sales may see its event, drafts too.
func (sectionSalesResolver) Event(ctx context.Context, s *query.SectionSales) (*query.Event, error) {
	return loadersOf(ctx).events.Load(ctx, s.EventID)
}
