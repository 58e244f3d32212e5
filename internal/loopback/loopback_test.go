package loopback_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/loopback"
)

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "localhost.example": false, "127.0.0.1.example": false,
	} {
		require.Equal(t, want, loopback.Is(host), host)
	}
}
