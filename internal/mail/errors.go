package mail

import (
	"errors"
	"fmt"

	gomail "github.com/wneessen/go-mail"
)

// ErrQueueFull says that more mails wait than the queue holds, or that it is closed: try again later.
var ErrQueueFull = errors.New("mail queue is full")

// errRecipient says that a recipient's address can't be read, without quoting it.
var errRecipient = errors.New("the recipient's address is malformed")

// refusal is what a mail server said no with. The server's own words are left out: they like to quote the recipient.
type refusal struct {
	reason    gomail.SendErrReason
	code      int
	temporary bool
}

func (r refusal) Error() string {
	return fmt.Sprintf("%s (SMTP %d, temporary: %t)", r.reason, r.code, r.temporary)
}

// withoutRecipient turns go-mail's error, which names recipients, into one that can be logged.
func withoutRecipient(err error) error {
	var sent *gomail.SendError
	if errors.As(err, &sent) {
		return refusal{reason: sent.Reason, code: sent.ErrorCode(), temporary: sent.IsTemp()}
	}
	return err
}

// worthRetrying says whether the same mail may go through later.
func worthRetrying(err error) bool {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.temporary || r.code == 0
	}
	return !errors.Is(err, errRecipient)
}

// Final says that sending failed in a way that trying again won't mend: the address is malformed, or the server refused it for good.
func Final(err error) bool {
	var final refusal
	return errors.Is(err, errRecipient) || errors.As(err, &final) && !worthRetrying(err)
}
