// Package mail writes and sends the platform's mails: by SMTP, or, on a laptop without a mail server, as .eml files in a folder. Its callers
// make sure that a mail is sent, and sent once.
//
// No address, subject or content of a mail appears in its errors and logs.
package mail

import "context"

// Message is a mail to one recipient, as text and as HTML with the same content.
type Message struct {
	// ID identifies the mail, so that a server can drop a duplicate. Default: a new one each time it is sent.
	ID      string
	To      string // a bare address
	Subject string
	Text    string
	HTML    string
	Files   []File
}

// File is attached to a mail or, with an ID, shown within its HTML at "cid:<ID>".
type File struct {
	ID      string
	Name    string
	Type    string // a media type
	Content []byte
}

// Mailer sends mails. Send returns when the server has accepted the mail, or the file is written; it is safe for concurrent use.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}
