package scenario_test

import (
	"fmt"
	"time"

	"ticketing/command/event"
	"ticketing/command/rejection"
	"ticketing/command/scenario"
)

// printer replaces *testing.T, which an example does not have.
type printer struct{}

func (printer) Helper()                           {}
func (printer) Errorf(format string, args ...any) { fmt.Printf(format, args...) }
func (printer) FailNow()                          { panic("the scenario failed") }

func Example() {
	var t printer
	given := func(history ...event.DomainEvent) scenario.Past[event.State, event.Command, event.DomainEvent] {
		return scenario.Given(t, event.Decide, event.Evolve, history...)
	}

	draft := given(event.EventCreated{Name: "Concert", Venue: "Hall", StartsAt: scenario.Now.Add(24 * time.Hour)})
	draft.When(event.OpenSales{}).ThenRejected(rejection.InvalidState)

	published := draft.When(event.Publish{}).Then(event.EventPublished{}).And()
	onSale := published.When(event.OpenSales{}).Then(event.SalesOpened{}).State()
	fmt.Println(onSale.Status, onSale.OnSale(scenario.Now))
	// Output: SALES_OPEN true
}
