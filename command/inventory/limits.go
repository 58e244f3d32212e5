package inventory

// Bounds of one event's inventory: what is decided in memory, in one place, must stay small enough for that. Lengths are in characters.
const (
	MostSections       = 200
	MostCapacity       = 10_000_000 // general admission tickets of a section: these are only counted
	MostSeats          = 200_000    // numbered seats of the whole event
	MostRows           = 5_000      // of a section
	MostSeatsInRow     = 1_000
	MostItems          = 100   // of a reservation
	MostLabels         = 1_000 // of an item
	LongestSectionName = 100
	LongestRowName     = 20
	LongestLabel       = LongestRowName + len("-1000")
)
