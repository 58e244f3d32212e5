package command_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

func TestACustomersLimitHoldsAcrossReplicasSectionsAndReservations(t *testing.T) {
	t.Parallel()
	url := testenv.EventsDatabase(t)
	var ending sync.WaitGroup
	t.Cleanup(ending.Wait)
	replicas := make([]*process, 3)
	for i := range replicas {
		replicas[i] = startProcess(t, url, nil, time.Now, &ending)
		t.Cleanup(replicas[i].stop)
	}
	const limit, wishes = 5, 60
	most, capacity, one := limit, 1_000, 1
	by := command.Caller{Actor: "usr_somebody", CorrelationID: "test"}
	occasion, err := replicas[0].CreateEvent(t.Context(), by, event.Create{
		Name: "First night", Venue: "Town hall", StartsAt: time.Now().Add(time.Hour), MaxTicketsPerReservation: 4, MaxTicketsPerCustomer: &most,
		PaymentAttempts: 1,
	})
	require.NoError(t, err)
	sections := []string{"Floor", "Balcony"}
	for _, section := range sections {
		_, err = replicas[0].AddInventory(t.Context(), by, occasion.ID, inventory.Add{
			Section: section, Price: money.Money{Minor: 100, Currency: "EUR"}, Capacity: &capacity,
		})
		require.NoError(t, err)
	}
	_, published := replicas[0].PublishEvent(t.Context(), by, occasion.ID)
	_, opened := replicas[0].OpenSales(t.Context(), by, occasion.ID)
	require.NoError(t, errors.Join(published, opened))

	var reserved atomic.Int64
	var asking sync.WaitGroup
	for i := range wishes {
		asking.Go(func() {
			caller := command.Caller{Actor: "usr_greedy", CorrelationID: "test", IdempotencyKey: fmt.Sprint("wish-", i)}
			_, err := replicas[i%len(replicas)].ReserveSeats(t.Context(), caller, command.ReserveSeats{
				EventID: occasion.ID, Items: []inventory.ReserveItem{{Section: sections[i%len(sections)], Quantity: &one}},
			})
			refused, ok := rejection.As(err)
			switch {
			case err == nil:
				reserved.Add(1)
			case !ok || refused.Code != rejection.LimitExceeded:
				t.Errorf("answered %v", err)
			}
		})
	}
	asking.Wait()
	require.EqualValues(t, limit, reserved.Load())
}
