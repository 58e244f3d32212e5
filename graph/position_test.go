package graph

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/query"
)

func TestAPositionIsTextSinceItOutgrowsInt(t *testing.T) {
	t.Parallel()
	position, err := partitionStatusResolver{}.Position(t.Context(), &query.PartitionStatus{Position: 1 << 50})
	require.NoError(t, err)
	require.Equal(t, "1125899906842624", position)
}
