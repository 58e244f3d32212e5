package mail

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
)

//go:embed templates
var templates embed.FS

var (
	magicLinkText = texttemplate.Must(texttemplate.ParseFS(templates, "templates/magiclink.txt"))
	magicLinkHTML = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/magiclink.html"))
)

// MagicLink returns the mail with which a user signs in: link is a URL that is valid for lifetime.
func MagicLink(to, link string, lifetime time.Duration) (Message, error) {
	data := struct{ Link, Lifetime string }{Link: link, Lifetime: durationInWords(lifetime)}
	var text, html strings.Builder
	if err := magicLinkText.Execute(&text, data); err != nil {
		return Message{}, fmt.Errorf("write the text of the magic link mail: %w", err)
	}
	if err := magicLinkHTML.Execute(&html, data); err != nil {
		return Message{}, fmt.Errorf("write the HTML of the magic link mail: %w", err)
	}
	return Message{To: to, Subject: "Your sign-in link", Text: text.String(), HTML: html.String()}, nil
}

// durationInWords returns "15 minutes", for example.
func durationInWords(d time.Duration) string {
	n, unit := int(d/time.Second), "second"
	switch {
	case d >= 2*time.Hour && d%time.Hour == 0:
		n, unit = int(d/time.Hour), "hour"
	case d >= time.Minute && d%time.Minute == 0:
		n, unit = int(d/time.Minute), "minute"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
