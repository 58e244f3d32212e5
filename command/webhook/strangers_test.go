package webhook

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStrangersAreCountedByAddressUntilTheirWindowEnds(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := newStrangers(func() time.Time { return now })
	for range mostStrange {
		require.True(t, s.begin("192.0.2.1"))
	}
	require.False(t, s.begin("192.0.2.1"))
	require.True(t, s.begin("192.0.2.2"), "another address")
	now = now.Add(strangeWindow)
	require.True(t, s.begin("192.0.2.1"))
}

func TestAGatewaysAddressIsNotCounted(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := newStrangers(func() time.Time { return now })
	require.True(t, s.begin("192.0.2.1"))
	s.foundGenuine("192.0.2.1")
	for range 10 * mostStrange {
		require.True(t, s.begin("192.0.2.1"))
	}
	now = now.Add(genuineFor)
	for range mostStrange {
		require.True(t, s.begin("192.0.2.1"))
	}
	require.False(t, s.begin("192.0.2.1"), "it is a stranger's again")
}

func TestAddressesAreForgotten(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := newStrangers(func() time.Time { return now })
	require.True(t, s.begin("gateway"))
	s.foundGenuine("gateway")
	for i := range mostAddresses {
		s.begin(strconv.Itoa(i))
	}
	require.Len(t, s.senders, mostAddresses)
	require.False(t, s.begin("one too many"))
	require.True(t, s.begin("gateway"))
	now = now.Add(strangeWindow + time.Second)
	require.True(t, s.begin("one too many"))
	require.Len(t, s.senders, 2)
}
