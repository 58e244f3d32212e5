package inventory

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

func TestAddGeneralAdmission(t *testing.T) {
	Given(t).When(Add{Section: "Pit", Price: eur(20_00), Capacity: new(5)}).Then(pit)
}

func TestAddCountsTheSeatsOfItsRows(t *testing.T) {
	Given(t, pit).When(Add{Section: "Stalls", Price: eur(50_00), Rows: stalls.Rows}).Then(stalls)
}

func TestAddForFree(t *testing.T) {
	Given(t).When(Add{Section: "Lawn", Price: eur(0), Capacity: new(1)}).
		Then(InventoryAdded{Section: "Lawn", Price: eur(0), Capacity: 1})
}

func TestAddKeepsOneCurrencyAnEvent(t *testing.T) {
	yen := money.Money{Minor: 5000, Currency: "JPY"}
	Given(t, pit).When(Add{Section: "Stalls", Price: yen, Capacity: new(1)}).ThenRejected(rejection.Invalid, "price", "currencyCode")
	Given(t).When(Add{Section: "Stalls", Price: yen, Capacity: new(1)}).ThenAccepted()
}

func TestAddUpToTheHighestPrice(t *testing.T) {
	Given(t).When(Add{Section: "Lawn", Price: eur(MostPrice), Capacity: new(1)}).ThenAccepted()
}

func TestAddNamesASectionOnce(t *testing.T) {
	Given(t, pit).When(Add{Section: "Pit", Price: eur(1), Capacity: new(1)}).ThenRejected(rejection.Invalid, "section")
}

func TestAddRefuses(t *testing.T) {
	row := func(name string, seats int) []Row { return []Row{{Name: "ok", Seats: 1}, {Name: name, Seats: seats}} }
	for name, c := range map[string]struct {
		add   Add
		field []string
	}{
		"no name":               {Add{Section: "", Capacity: new(1)}, []string{"section"}},
		"a blank name":          {Add{Section: " \t", Capacity: new(1)}, []string{"section"}},
		"a name without end":    {Add{Section: strings.Repeat("x", LongestSectionName+1), Capacity: new(1)}, []string{"section"}},
		"a negative price":      {Add{Section: "s", Price: eur(-1), Capacity: new(1)}, []string{"price", "amount"}},
		"a price without end":   {Add{Section: "s", Price: eur(MostPrice + 1), Capacity: new(1)}, []string{"price", "amount"}},
		"neither":               {Add{Section: "s"}, []string{"capacity"}},
		"both":                  {Add{Section: "s", Capacity: new(1), Rows: row("B", 1)}, []string{"capacity"}},
		"no capacity":           {Add{Section: "s", Capacity: new(0)}, []string{"capacity"}},
		"too much capacity":     {Add{Section: "s", Capacity: new(MostCapacity + 1)}, []string{"capacity"}},
		"too many rows":         {Add{Section: "s", Rows: rows(MostRows+1, 1)}, []string{"rows"}},
		"too many seats":        {Add{Section: "s", Rows: rows(MostSeats/MostSeatsInRow+1, MostSeatsInRow)}, []string{"rows"}},
		"a row of no name":      {Add{Section: "s", Rows: row(" ", 1)}, []string{"rows", "1", "row"}},
		"a row's endless name":  {Add{Section: "s", Rows: row(strings.Repeat("r", LongestRowName+1), 1)}, []string{"rows", "1", "row"}},
		"a row that is twice":   {Add{Section: "s", Rows: row("ok", 1)}, []string{"rows", "1", "row"}},
		"a row without seats":   {Add{Section: "s", Rows: row("B", 0)}, []string{"rows", "1", "seats"}},
		"a row with minus one":  {Add{Section: "s", Rows: row("B", -1)}, []string{"rows", "1", "seats"}},
		"a row that is endless": {Add{Section: "s", Rows: row("B", MostSeatsInRow+1)}, []string{"rows", "1", "seats"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.add.Price == (money.Money{}) {
				c.add.Price = eur(1)
			}
			Given(t).When(c.add).ThenRejected(rejection.Invalid, c.field...)
		})
	}
}

func TestAddTakesTheMostThereMayBe(t *testing.T) {
	Given(t).When(Add{Section: strings.Repeat("x", LongestSectionName), Price: eur(1), Capacity: new(MostCapacity)}).ThenAccepted()
	Given(t).When(Add{Section: "s", Price: eur(1), Rows: rows(MostSeats/MostSeatsInRow, MostSeatsInRow)}).ThenAccepted()
	Given(t).When(Add{Section: "s", Price: eur(1), Rows: rows(MostRows, 1)}).ThenAccepted()
	Given(t).When(Add{Section: "s", Price: eur(1), Rows: []Row{{Name: strings.Repeat("r", LongestRowName), Seats: 1}}}).ThenAccepted()
}

func TestNamesAreMeasuredInCharacters(t *testing.T) {
	japanese := func(section, row int) Add {
		return Add{Section: strings.Repeat("席", section), Price: eur(1), Rows: []Row{{Name: strings.Repeat("列", row), Seats: MostSeatsInRow}}}
	}
	Given(t).When(japanese(40, 1)).ThenAccepted()
	s := Given(t).When(japanese(LongestSectionName, LongestRowName)).ThenAccepted().State()
	require.Less(t, utf8.RuneCountInString(s.Sections[0].labelOf(place{seat: MostSeatsInRow - 1})), LongestLabel)
	longest := Row{Name: strings.Repeat("列", LongestRowName), Seats: 1, Numbering: Numbering{Labels: []string{strings.Repeat("席", LongestSeatNumber)}}}
	require.Equal(t, LongestLabel, utf8.RuneCountInString(longest.Label(0)))
	Given(t).When(japanese(LongestSectionName+1, 1)).ThenRejected(rejection.Invalid, "section")
	Given(t).When(japanese(1, LongestRowName+1)).ThenRejected(rejection.Invalid, "rows", "0", "row")
}

// What is decided in memory must stay small enough for that, however many sections it is spread over.
func TestAddBoundsTheSeatsOfTheWholeEvent(t *testing.T) {
	full := InventoryAdded{Section: "full", Price: eur(1), Capacity: MostSeats, Rows: rows(MostSeats/MostSeatsInRow, MostSeatsInRow)}
	Given(t, full).When(Add{Section: "s", Price: eur(1), Rows: rows(1, 1)}).ThenRejected(rejection.Invalid, "rows")
	Given(t, full).When(Add{Section: "s", Price: eur(1), Capacity: new(MostCapacity)}).ThenAccepted()
	Given(t, pit).When(Add{Section: "s", Price: eur(1), Rows: full.Rows}).ThenAccepted()
}

func TestAddBoundsTheSections(t *testing.T) {
	var many []DomainEvent
	for i := range MostSections {
		many = append(many, InventoryAdded{Section: fmt.Sprint("s", i), Price: eur(1), Capacity: 1})
	}
	Given(t, many...).When(Add{Section: "one more", Price: eur(1), Capacity: new(1)}).ThenRejected(rejection.Invalid, "section")
	Given(t, many[1:]...).When(Add{Section: "one more", Price: eur(1), Capacity: new(1)}).ThenAccepted()
}

func TestAddedSectionIsAvailable(t *testing.T) {
	s := Given(t, stalls, pit).State()
	require.Equal(t, 7, s.Section("Stalls").Available())
	require.True(t, s.Section("Stalls").Seated())
	require.Equal(t, 5, s.Section("Pit").Available())
	require.False(t, s.Section("Pit").Seated())
	require.Nil(t, s.Section("Pits"))
}

func rows(n, seats int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{Name: fmt.Sprint("r", i), Seats: seats}
	}
	return rows
}

func TestNamesAreStoredInOneForm(t *testing.T) {
	Given(t).When(Add{Section: "  Cafe\u0301\u00a0 floor ", Price: eur(1), Rows: []Row{{Name: " A ", Seats: 2}}}).
		Then(InventoryAdded{Section: "Café floor", Price: eur(1), Capacity: 2, Rows: []Row{{Name: "A", Seats: 2}}})
}

func TestSectionsThatLookTheSameAreOne(t *testing.T) {
	added := InventoryAdded{Section: "Café Floor", Price: eur(1), Capacity: 10}
	for _, twin := range []string{"Cafe\u0301 Floor", "Café Floor ", "Café  Floor", "CAFÉ FLOOR", "Café\u00a0Floor", "Ｃafé Floor"} {
		Given(t, added).When(Add{Section: twin, Price: eur(1), Capacity: new(10)}).ThenRejected(rejection.Invalid, "section")
	}
	for _, hidden := range []string{"Café Floor\u200b", "\u202eroolF", "\u3164", "\u2060"} {
		Given(t, added).When(Add{Section: hidden, Price: eur(1), Capacity: new(10)}).ThenRejected(rejection.Invalid, "section")
	}
	Given(t).When(Add{Section: "Stalls", Price: eur(1), Rows: []Row{{Name: "A", Seats: 1}, {Name: "a ", Seats: 1}}}).ThenRejected(rejection.Invalid, "rows", "1", "row")
}

// The log of before has sections with names that could not be added today. Each is found by its exact name.
func TestTwinsThatWereStoredBeforeStayApart(t *testing.T) {
	old := []DomainEvent{
		InventoryAdded{Section: "Floor", Price: eur(1), Capacity: 1}, InventoryAdded{Section: "Floor ", Price: eur(1), Capacity: 1},
		InventoryAdded{Section: "Box\u200b", Price: eur(1), Capacity: 2, Rows: []Row{{Name: "a", Seats: 1}, {Name: "A", Seats: 1}}},
	}
	for typed, found := range map[string]string{"Floor": "Floor", "Floor ": "Floor ", "FLOOR": "Floor"} { //nolint:gocritic // the blank is what makes them two
		Given(t, old...).When(reserve(alice, best(typed, 1))).
			Then(held("rsv_new", alice, Item{Section: found, Quantity: 1}))
	}
	for typed, found := range map[string]string{"a-1": "a-1", "A-1": "A-1"} {
		Given(t, old...).When(reserve(alice, ReserveItem{Section: "Box", Labels: []string{typed}})).
			Then(held("rsv_new", alice, Item{Section: "Box\u200b", Quantity: 1, Labels: []string{found}}))
	}
}

func TestOneSectionUnderTwoSpellingsIsOneItem(t *testing.T) {
	Given(t, InventoryAdded{Section: "Floor", Price: eur(1), Capacity: 10}).When(reserve(alice, best("Floor", 1), best("floor", 2))).
		Then(held("rsv_new", alice, Item{Section: "Floor", Quantity: 3}))
}
