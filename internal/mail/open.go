package mail

import "errors"

// Config says where mails go.
type Config struct {
	// SMTPURL is smtp://[user:password@]host[:587] (STARTTLS when the server offers it, and always before a password is sent to
	// another machine) or smtps://[user:password@]host[:465]. Empty: mails are written into Folder.
	SMTPURL string
	From    string // MAIL_FROM: an address, with or without a name
	Folder  string // where mails are written while there is no SMTPURL; made when missing
}

// Open answers the mailer that cfg asks for. It checks the configuration but connects to nothing.
func Open(cfg Config) (Mailer, error) {
	return nil, errors.New("not there yet")
}
