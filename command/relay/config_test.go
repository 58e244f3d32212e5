package relay

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunRequiresItsConfig(t *testing.T) {
	require.ErrorContains(t, Run(t.Context(), Config{}), "Pool, Kafka and Topics")
}
