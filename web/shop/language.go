package shop

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/bojanz/currency"
)

//go:embed messages
var catalogs embed.FS

// language is what the shop says in one language, and how it writes times and money.
type language struct {
	Code     string // as in HTML's lang
	Name     string // in the language itself
	prefix   string // of its addresses; "" for the first one
	messages map[string]string
	money    *currency.Formatter
}

// readLanguages returns the languages. The first one is that of addresses without a language.
func readLanguages() ([]*language, error) {
	var languages []*language
	for _, code := range []string{"en", "de"} {
		text, err := catalogs.ReadFile("messages/" + code + ".json")
		if err != nil {
			return nil, fmt.Errorf("read a catalog: %w", err)
		}
		l := &language{Code: code, money: currency.NewFormatter(currency.NewLocale(code))}
		if len(languages) > 0 {
			l.prefix = "/" + code
		}
		if err := json.Unmarshal(text, &l.messages); err != nil {
			return nil, fmt.Errorf("read the catalog of %s: %w", code, err)
		}
		l.Name = l.text("language")
		languages = append(languages, l)
	}
	return languages, nil
}

// pattern returns the pattern of a route in this language.
func (l *language) pattern(pattern string) string {
	method, path, _ := strings.Cut(pattern, " ")
	return method + " " + l.prefix + path
}

// url returns the address of a page in this language.
func (l *language) url(path string) string { return l.prefix + path }

// path returns the path of an address in this language without the language.
func (l *language) path(address string) string {
	if rest, ok := strings.CutPrefix(address, l.prefix+"/"); ok {
		return "/" + rest
	}
	return "/"
}

// text returns a message, with its arguments in the places of %s. A missing message is a bug that must show.
func (l *language) text(key string, args ...any) string {
	message, ok := l.messages[key]
	if !ok {
		panic("shop: the catalog " + l.Code + " has no message " + key)
	}
	if len(args) == 0 {
		return message
	}
	return fmt.Sprintf(message, args...)
}

// count returns the message for a number: key.one or key.other.
func (l *language) count(key string, n int) string {
	if n == 1 {
		return l.text(key + ".one")
	}
	return l.text(key+".other", n)
}

// functions are what templates call.
func (l *language) functions(languages []*language, assets map[string]asset) template.FuncMap {
	return template.FuncMap{
		"lang":      func() string { return l.Code },
		"languages": func() []*language { return languages },
		"at":        func(other *language, path string) string { return other.url(path) },
		"t":         l.text,
		"n":         l.count,
		"url":       l.url,
		"asset":     func(file string) (string, error) { return assetURL(assets, file) },
		"money":     l.formatMoney,
		"date":      l.formatDate,
		"day":       func(at time.Time, zone string) string { return in(at, zone).Format("2") },
		"weekday":   func(at time.Time, zone string) string { return l.text("weekday.short." + in(at, zone).Format("Mon")) },
		"month":     func(at time.Time, zone string) string { return l.text("month.short." + in(at, zone).Format("Jan")) },
		"clock":     l.formatClock,
		"moment":    l.formatMoment,
		"field":     newFormField,
		"qr":        drawQR,
		"inc":       func(i int) int { return i + 1 },
		"machine":   func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
	}
}

func (l *language) formatMoney(m money) (string, error) {
	if m.IsFree() {
		return l.text("free"), nil
	}
	amount, err := currency.NewAmount(m.Amount, m.CurrencyCode)
	if err != nil {
		return "", fmt.Errorf("format %s %s: %w", m.Amount, m.CurrencyCode, err)
	}
	return l.money.Format(amount), nil
}

// in returns the time in a zone, and in UTC if the zone is unknown here.
func in(at time.Time, zone string) time.Time {
	place, err := time.LoadLocation(zone)
	if err != nil {
		place = time.UTC
	}
	return at.In(place)
}

// formatDate returns "Saturday, 12 December 2026", for example.
func (l *language) formatDate(at time.Time, zone string) string {
	at = in(at, zone)
	return l.text("date", l.text("weekday."+at.Format("Mon")), at.Day(), l.text("month."+at.Format("Jan")), at.Year())
}

// formatClock returns "20:00 CET", for example: the time where the event is.
func (l *language) formatClock(at time.Time, zone string) string {
	return in(at, zone).Format("15:04 MST")
}

// formatMoment returns a date with a time.
func (l *language) formatMoment(at time.Time, zone string) string {
	return l.text("moment", l.formatDate(at, zone), l.formatClock(at, zone))
}
