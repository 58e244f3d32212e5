package overload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/overload"
)

func TestAGateRefusesWhatIsInExcess(t *testing.T) {
	t.Parallel()
	gate := overload.NewGate(2)
	first, ok := gate.Enter(t.Context())
	require.True(t, ok)
	second, ok := gate.Enter(t.Context())
	require.True(t, ok)
	_, ok = gate.Enter(t.Context())
	require.False(t, ok)
	require.Equal(t, 2, gate.Inside())

	overload.Leave(first)
	overload.Leave(first)
	require.Equal(t, 1, gate.Inside(), "a place is given back once")
	overload.Leave(second)
	overload.Leave(t.Context())
	require.Zero(t, gate.Inside())
}

func TestWhatWaitsElsewhereTakesNoPlace(t *testing.T) {
	t.Parallel()
	gate := overload.NewGate(1)
	ctx, _ := gate.Enter(t.Context())
	back, backToo := overload.Wait(ctx), overload.Wait(ctx)
	require.Zero(t, gate.Inside(), "two waits of one operation free one place")
	other, ok := gate.Enter(t.Context())
	require.True(t, ok)
	back()
	require.Equal(t, 1, gate.Inside(), "it still waits")
	backToo()
	require.Equal(t, 2, gate.Inside(), "what was accepted goes on")
	_, ok = gate.Enter(t.Context())
	require.False(t, ok)
	overload.Leave(other)

	back = overload.Wait(ctx)
	overload.Leave(ctx)
	back()
	require.Zero(t, gate.Inside(), "it left while it waited")
	overload.Wait(t.Context())()
}
