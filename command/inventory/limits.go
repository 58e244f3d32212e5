package inventory

// Limits of the inventory of one event, which is decided about in memory. Lengths are in characters.
const (
	MostSections       = 200
	MostCapacity       = 10_000_000 // general admission tickets of a section, which are only counted
	MostSeats          = 200_000    // numbered seats of the whole event
	MostRows           = 5_000      // of a section
	MostSeatsInRow     = 1_000
	MostPrice          = 1_000_000_000_000 // minor units a ticket: a reservation of 100 tickets and the sales of a hall of 200,000 stay within int64
	MostItems          = 100               // of a reservation
	MostLabels         = 1_000             // of an item
	MostSeatsChanged   = 5_000             // that one change of a section adds, removes or moves: the read side writes them at once
	LongestSectionName = 100
	LongestRowName     = 20
	LongestSeatNumber  = 10
	LongestLabel       = LongestRowName + len("-") + LongestSeatNumber
	MostFirstNumber    = 9_999
	MostStep           = 100   // so the highest number has 6 digits
	MostCoordinate     = 1_000 // of a row's layout, to each side: two stadiums wide, and a map that a phone can draw
	MostRotation       = 180   // degrees, either way
)
