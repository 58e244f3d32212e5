package reservation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/rejection"
)

// follows lists the states that may follow each state.
var follows = map[Status][]Status{
	SeatsReserved:  {PaymentPending, Completed, Cancelled, Expired},
	PaymentPending: {SeatsReserved, Completed, Cancelled, Expired, Compensated},
	Expired:        {Completed},
	Completed:      {Refunded},
}

func TestReservationUnderRandomCommands(t *testing.T) {
	paymentID := rapid.SampledFrom([]string{"pay_1", "pay_2", ""})
	command := rapid.Custom(func(t *rapid.T) Command {
		id := paymentID.Draw(t, "payment")
		return rapid.SampledFrom([]Command{
			initiate, Complete{PaymentID: id}, Cancel{GivenUp: id}, Expire{GivenUp: id}, Refund{PaymentID: id},
			RequestPayment{PaymentID: "pay_" + id, Hold: hold}, RequestPayment{PaymentID: id, Hold: hold}, RequestPayment{PaymentID: id, Hold: hold},
			FailPayment{PaymentID: id}, FailPayment{PaymentID: id, Outage: true},
		}).Draw(t, "command")
	})
	rapid.Check(t, func(t *rapid.T) {
		past := Given(t, rapid.SampledFrom([]DomainEvent{initiated, free}).Draw(t, "first"))
		clock, declines := now, 0
		for range rapid.IntRange(1, 20).Draw(t, "commands") {
			clock = clock.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			before, c := past.State(), command.Draw(t, "command")
			_, err := Decide(before, c, clock)
			o := past.At(clock).When(c)
			if err != nil {
				_, ok := rejection.As(err)
				require.True(t, ok, "%v", err)
				continue
			}
			past = o.And()
			after := past.State()
			if after.Status != before.Status {
				require.Contains(t, follows[before.Status], after.Status, "%#v", c)
			}
			if fail, ok := c.(FailPayment); ok && !fail.Outage && after.Status != before.Status {
				declines++
			}
			require.LessOrEqual(t, declines, initiated.PaymentAttempts)
			require.False(t, after.Holding() && declines == initiated.PaymentAttempts, "no attempt is left and it is not compensated")
			require.False(t, after.ExpiresAt.After(now.Add(2*hold)), "the hold is extended twice")
			if _, ok := c.(RequestPayment); ok {
				require.True(t, clock.Before(before.ExpiresAt), "paid past the hold")
			}
		}
	})
}
