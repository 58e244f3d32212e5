package graph

import (
	"context"
	"strconv"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

// Users implements generated.QueryResolver.
func (r queryResolver) Users(ctx context.Context, f *model.UserFilter, first *int, after *string, last *int, before *string) (*model.UserConnection, error) {
	filter, err := userFilter(f)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context, w query.Window) ([]auth.Listed, error) {
		return r.people.ListUsers(ctx, filter, part(w))
	}
	page, err := query.VersionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before}, read,
		func(u auth.Listed) int64 { return u.Number })
	if err != nil {
		return nil, err
	}
	c := &model.UserConnection{PageInfo: pageInfo(page.Info)}
	for i, u := range page.Items {
		user := &model.User{User: u.User}
		c.Nodes = append(c.Nodes, user)
		c.Edges = append(c.Edges, &model.UserEdge{Cursor: page.Cursors[i], Node: user})
	}
	return c, nil
}

func userFilter(f *model.UserFilter) (auth.UserFilter, error) {
	var filter auth.UserFilter
	if f == nil {
		return filter, nil
	}
	if f.Role != nil {
		filter.Role = auth.Role(*f.Role)
	}
	if f.Email == nil {
		return filter, nil
	}
	email, err := auth.NormalizeEmail(*f.Email)
	if err != nil {
		return filter, apierror.New(apierror.BadUserInput, "email is not a mail address")
	}
	filter.Email = email
	return filter, nil
}

// AccessLog implements generated.QueryResolver.
func (r queryResolver) AccessLog(ctx context.Context, f *model.AccessLogFilter, first *int, after *string, last *int, before *string) (*model.AccessLogConnection, error) {
	var filter auth.AccessFilter
	if f != nil {
		filter = auth.AccessFilter{Subject: value(f.UserID), Actor: value(f.ActorID)}
	}
	for _, userID := range []string{filter.Subject, filter.Actor} {
		if userID != "" {
			if err := checkID(id.User, userID); err != nil {
				return nil, err
			}
		}
	}
	read := func(ctx context.Context, w query.Window) ([]auth.AccessEntry, error) {
		return r.people.AccessLog(ctx, filter, part(w))
	}
	page, err := query.VersionPage(ctx, query.PageArgs{First: first, After: after, Last: last, Before: before}, read,
		func(e auth.AccessEntry) int64 { return e.ID })
	if err != nil {
		return nil, err
	}
	c := &model.AccessLogConnection{PageInfo: pageInfo(page.Info)}
	for i, e := range page.Items {
		entry := &model.AccessLogEntry{
			ID: strconv.FormatInt(e.ID, 10), At: e.At, Action: e.Action, ActorID: e.Actor, UserID: e.Subject, Role: orNull(e.Role),
		}
		c.Nodes = append(c.Nodes, entry)
		c.Edges = append(c.Edges, &model.AccessLogEdge{Cursor: page.Cursors[i], Node: entry})
	}
	return c, nil
}

// part answers a window of a page as the auth database takes it.
func part(w query.Window) auth.Range {
	return auth.Range{After: w.After, Before: w.Before, Limit: w.Rows, Backward: w.Backward}
}

type accessLogEntryResolver struct{ *Resolver }

// Actor implements generated.AccessLogEntryResolver.
func (accessLogEntryResolver) Actor(ctx context.Context, e *model.AccessLogEntry) (*model.User, error) {
	if e.ActorID == "" {
		return nil, nil //nolint:nilnil // the platform itself
	}
	return findUser(ctx, e.ActorID)
}

// User implements generated.AccessLogEntryResolver.
func (accessLogEntryResolver) User(ctx context.Context, e *model.AccessLogEntry) (*model.User, error) {
	return findUser(ctx, e.UserID)
}
