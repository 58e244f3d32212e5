package parts

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ticketing/internal/config"
	"ticketing/internal/ticketcode"
)

// TicketKeys returns the keys that sign tickets and the links of orders: those of TICKET_SIGNING_KEYS and, outside production, one that is
// made once in DATA_DIR.
func TicketKeys(cfg config.Config) (*ticketcode.Keys, error) {
	list := cfg.TicketSigningKeys
	if len(list) == 0 {
		text, err := keptKey(filepath.Join(cfg.DataDir, "ticket-signing-key"))
		if err != nil {
			return nil, err
		}
		list = []string{text}
	}
	keys, err := ticketcode.ParseKeys(list)
	if err != nil {
		return nil, fmt.Errorf("TICKET_SIGNING_KEYS: %w", err)
	}
	return keys, nil
}

// keptKey returns the key in a file, and makes it if there is none. Of several parts that make it at once, one wins: a link never replaces a
// file.
func keptKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err = makeKey(path); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return "", fmt.Errorf("keep a ticket signing key: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func makeKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".ticket-signing-key-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(ticketcode.NewKey(1) + "\n")
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Link(file.Name(), path)
	}
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	return errors.Join(err, os.Remove(file.Name()))
}

// publishedKeys serves what verifies tickets. A scanner keeps them, and asks again once a day and when it meets a key that it does not know.
func publishedKeys(keys *ticketcode.Keys) (http.Handler, error) {
	text, err := json.Marshal(keys.Public())
	if err != nil {
		return nil, fmt.Errorf("publish the keys of tickets: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		_, _ = w.Write(text) // fails only if the client has gone
	}), nil
}

// orderLink returns the address of an order that opens it without a session until then, "" without a shop.
func (e Env) orderLink(keys *ticketcode.Keys) func(reservationID string, until time.Time) string {
	if !e.Config.Shop || e.Config.AuthBaseURL == "" {
		return nil
	}
	return func(reservationID string, until time.Time) string {
		return strings.TrimSuffix(e.Config.AuthBaseURL, "/") + "/orders/" + reservationID + "?key=" + keys.SignLink(reservationID, until)
	}
}
