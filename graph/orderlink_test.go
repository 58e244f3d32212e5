package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/graph"
)

func TestAnOrderIsReadWithItsLink(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, func(c *graph.Config) {
		c.OpensOrder = func(link, reservationID string) bool { return link == "link of "+reservationID }
	})
	e := a.addEvent(newUser(), "SALES_OPEN")
	customer := newUser()
	a.signIn(customer)
	order, other := a.addReservation(e, customer), a.addReservation(e, newUser())
	read := func(id, link string, header ...string) response {
		return a.do(`query($id: ID!) { reservation(id: $id) { id customer { email contact { email } } event { name } } }`, vars{"id": id},
			append(header, "Order-Link", link)...)
	}
	got := read(order.ID, "link of "+order.ID).field(t, "reservation")
	require.Equal(t, order.ID, got["id"])
	require.Equal(t, map[string]any{"email": nil, "contact": nil}, got["customer"], "not who the customer is")
	require.Equal(t, order.ID, read(order.ID, "link of "+order.ID, a.as(newUser())...).field(t, "reservation")["id"], "in another user's session, too")
	require.Equal(t, "UNAUTHENTICATED", read(other.ID, "link of "+order.ID).code())
	require.Equal(t, "UNAUTHENTICATED", read(order.ID, "").code())
	require.Equal(t, "FORBIDDEN", read(other.ID, "link of "+order.ID, a.as(newUser())...).code())
	require.Equal(t, "UNAUTHENTICATED", a.do(`query($id: ID!) { node(id: $id) { id } }`, vars{"id": order.ID}, "Order-Link", "link of "+order.ID).code())

	a.setReservation(order, 2, "REFUNDED")
	require.Equal(t, "UNAUTHENTICATED", read(order.ID, "link of "+order.ID).code(), "a refund revokes it")
}
