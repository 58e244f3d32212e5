package mail

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// composeMessage returns m with both parts in UTF-8 and headers that prevent automatic replies.
func composeMessage(from *mail.Address, m Message) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return nil, fmt.Errorf("compose a mail: %w", errRecipient)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(to)
	msg.Subject(m.Subject)
	msg.SetDate()
	if m.ID == "" {
		msg.SetMessageID()
	} else {
		msg.SetMessageIDWithValue(m.ID + from.Address[strings.LastIndexByte(from.Address, '@'):])
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	for _, f := range m.Files {
		add, options := msg.AttachReader, []gomail.FileOption{gomail.WithFileContentType(gomail.ContentType(f.Type))}
		if f.ID != "" {
			add, options = msg.EmbedReader, append(options, gomail.WithFileContentID("<"+f.ID+">"))
		}
		if err := add(f.Name, bytes.NewReader(f.Content), options...); err != nil {
			return nil, fmt.Errorf("add %s to a mail: %w", f.Name, err)
		}
	}
	return msg, nil
}
