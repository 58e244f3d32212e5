package payment

// LongestReason is the limit of the reason of a RequestRefund, in characters.
const LongestReason = 500

// RefundCause says why a refund was requested. Code that must tell refunds apart uses the cause, never the reason, which is free text.
type RefundCause string

// The causes. Their values are in the log.
const (
	CauseRequested      RefundCause = "requested"       // an organizer or admin asked for it
	CauseTooLate        RefundCause = "too_late"        // the payment succeeded when its seats were no longer available
	CauseEventCancelled RefundCause = "event_cancelled" // also when a dispute that is won lets the refund of a cancelled event happen
)

// Explanation returns the cause in half a sentence for the customer. It is empty for CauseRequested: only the reason explains that.
func (c RefundCause) Explanation() string {
	switch c {
	case CauseTooLate:
		return "the seats were no longer available"
	case CauseEventCancelled:
		return "the event was cancelled"
	case CauseRequested:
	}
	return ""
}
