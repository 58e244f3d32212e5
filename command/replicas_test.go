package command_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/testenv"
)

func TestACustomersLimitHoldsAcrossReplicasSectionsAndReservations(t *testing.T) {
	t.Parallel()
	url := testenv.EventsDatabase(t)
	replicas := make([]*commandtest.System, 3)
	for i := range replicas {
		replicas[i] = commandtest.New(t, commandtest.Config{Database: url})
	}
	const limit, requests = 5, 60
	sections := []string{"Floor", "Balcony"}
	eventID := replicas[0].OnSale(t, event.Create{MaxTicketsPerReservation: 4, MaxTicketsPerCustomer: new(limit)},
		commandtest.Standing(sections[0], 1_000, 100), commandtest.Standing(sections[1], 1_000, 100))

	var reserved atomic.Int64
	var asking sync.WaitGroup
	for i := range requests {
		asking.Go(func() {
			by := commandtest.User("usr_greedy")
			by.IdempotencyKey = fmt.Sprint("request-", i)
			_, err := replicas[i%len(replicas)].ReserveSeats(t.Context(), by, command.ReserveSeats{
				EventID: eventID, Items: []inventory.ReserveItem{commandtest.Tickets(sections[i%len(sections)], 1)},
			})
			refused, ok := rejection.As(err)
			switch {
			case err == nil:
				reserved.Add(1)
			case !ok || refused.Code != rejection.LimitExceeded:
				t.Errorf("returned %v", err)
			}
		})
	}
	asking.Wait()
	require.EqualValues(t, limit, reserved.Load())
}
