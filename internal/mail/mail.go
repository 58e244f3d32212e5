// Package mail writes and sends the mails of the platform: by SMTP, or, on a laptop without a mail server, as .eml files into a
// folder. It knows nothing of who gets a mail and why; that a mail is sent at all (and once) is its caller's to see to.
//
// No address, subject or content of a mail appears in its errors and logs.
package mail

import "context"

// Message is one mail to one person, as text and as HTML with the same content.
type Message struct {
	// ID names the mail, so that a server may tell that it got the same one twice; empty: a new name each time it is sent.
	ID      string
	To      string // a bare address
	Subject string
	Text    string
	HTML    string
}

// Mailer sends mails. Send returns when the next server has taken the mail over, or the file is on the disk; it is safe for
// concurrent use.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}
