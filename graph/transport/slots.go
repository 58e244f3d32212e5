package transport

// slots bounds how many streams there are at a time.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// take answers false when there are too many.
func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }
