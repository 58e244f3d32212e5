package transport

// slots bounds the number of streams at a time.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// tryTake returns false when all slots are taken.
func (s slots) tryTake() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }
