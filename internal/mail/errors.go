package mail

import (
	"errors"
	"fmt"

	gomail "github.com/wneessen/go-mail"
)

// ErrQueueFull means that the queue has no space for a mail or is closed: try again later.
var ErrQueueFull = errors.New("mail queue is full")

// errRecipient does not quote the address.
var errRecipient = errors.New("the recipient's address is malformed")

// refusal is an error response of a mail server, without the server's own words, which may quote the recipient.
type refusal struct {
	reason    gomail.SendErrReason
	code      int
	temporary bool
}

func (r refusal) Error() string {
	return fmt.Sprintf("%s (SMTP %d, temporary: %t)", r.reason, r.code, r.temporary)
}

// withoutRecipient turns go-mail's error, which quotes recipients, into one that can be logged.
func withoutRecipient(err error) error {
	if sent, ok := errors.AsType[*gomail.SendError](err); ok {
		return refusal{reason: sent.Reason, code: sent.ErrorCode(), temporary: sent.IsTemp()}
	}
	return err
}

// worthRetrying reports whether the same mail may be accepted later.
func worthRetrying(err error) bool {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.temporary || r.code == 0
	}
	return !errors.Is(err, errRecipient)
}

// Final reports whether a mail can never be sent: its address is malformed, or the server refused it permanently.
func Final(err error) bool { return !worthRetrying(err) }
