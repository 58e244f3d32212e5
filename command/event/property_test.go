package event

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/rejection"
)

// In any order of commands, an event that is over stays over, a scheduled command of an existing event is never rejected, and
// Decide returns either domain events or a rejection.
func TestEventUnderRandomCommands(t *testing.T) {
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return now.Add(time.Duration(rapid.IntRange(-48, 48*30).Draw(t, "h")) * time.Hour)
	})
	command := rapid.OneOf(
		rapid.Just[Command](concert), rapid.Just[Command](Publish{}), rapid.Just[Command](OpenSales{}), rapid.Just[Command](CloseSales{}),
		rapid.Just[Command](scheduledOpen), rapid.Just[Command](scheduledClose), rapid.Just[Command](Cancel{}), rapid.Just[Command](Complete{}), rapid.Just[Command](DeleteDraft{}),
		rapid.Custom(func(t *rapid.T) Command {
			return Update{SalesOpenAt: new(instant.Draw(t, "open")), SalesCloseAt: new(instant.Draw(t, "close")), StartsAt: new(instant.Draw(t, "start"))}
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		past := Given(t, DomainEvent(createdWithWindow))
		clock := now
		for range rapid.IntRange(1, 15).Draw(t, "commands") {
			clock = clock.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "hours")) * time.Hour)
			before, c := past.State(), command.Draw(t, "command")
			_, err := Decide(before, c, clock)
			o := past.At(clock).When(c)
			if err != nil {
				_, ok := rejection.As(err)
				require.True(t, ok, "%v", err)
				if before.Exists() {
					require.NotContains(t, []Command{scheduledOpen, scheduledClose}, c)
				}
				continue
			}
			past = o.And()
			after := past.State()
			if (before.Status == Cancelled || before.Status == Completed) && !after.Deleted { // a cancelled draft can still be deleted
				require.Equal(t, before, after, "%#v", c)
			}
			if u, ok := c.(Update); ok {
				require.True(t, u.SalesOpenAt.Before(*u.SalesCloseAt) && u.SalesOpenAt.Before(*u.StartsAt) && u.StartsAt.After(clock))
			}
			if after.OnSale(clock) {
				require.True(t, clock.Before(*after.SalesCloseAt))
				require.True(t, after.Status == Published || after.Status == SalesOpen || after.Status == SalesShut && after.Reopens, "%s", after.Status)
			}
		}
	})
}
