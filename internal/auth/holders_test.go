package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestTheNameOfATicketsHolderIsErasedWithItsCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signIn("ann@example.com")
	holder := auth.Holder{TicketID: "tkt_1", ReservationID: "rsv_1", UserID: ann.UserID, Name: "Zoë"}
	require.NoError(t, w.NameHolder(t.Context(), holder))
	holder.Name = "Max"
	require.NoError(t, w.NameHolder(t.Context(), holder))
	holder.TicketID, holder.Name = "tkt_2", "李"
	require.NoError(t, w.NameHolder(t.Context(), holder))
	names, err := w.HolderNames(t.Context(), []string{"rsv_1", "rsv_2"})
	require.NoError(t, err)
	require.Equal(t, map[string]map[string]string{"rsv_1": {"tkt_1": "Max", "tkt_2": "李"}}, names)

	require.NoError(t, w.EraseUser(t.Context(), ann.UserID, ann.UserID))
	names, err = w.HolderNames(t.Context(), []string{"rsv_1"})
	require.NoError(t, err)
	require.Empty(t, names)
	require.ErrorIs(t, w.NameHolder(t.Context(), holder), auth.ErrUserNotFound)
}
