package graph

import (
	"context"
	"strconv"

	"ticketing/query"
)

type partitionStatusResolver struct{ *Resolver }

// ProjectionStatus implements generated.QueryResolver.
func (r queryResolver) ProjectionStatus(ctx context.Context) ([]*query.ProjectionStatus, error) {
	statuses, err := r.projections.Status(ctx)
	return pointersTo(statuses), err
}

// Position implements generated.PartitionStatusResolver.
func (partitionStatusResolver) Position(_ context.Context, s *query.PartitionStatus) (string, error) {
	return strconv.FormatInt(s.Position, 10), nil
}
