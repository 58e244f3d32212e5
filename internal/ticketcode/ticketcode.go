// Package ticketcode signs the text of a ticket's QR code, and checks it without a network: a program with the public keys tells a ticket of
// this platform from a forgery. Whether the ticket is still valid, only the platform knows: a refund makes its generation void.
//
// A code is base45 (RFC 9285), so that QR codes store it densely, of
//
//	0x01 | key id (1) | ticket id (16) | event id (16) | generation (1) | Ed25519 signature of all before (64)
package ticketcode

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"go.jetify.com/typeid"

	"ticketing/internal/id"
)

const (
	format     = 0x01
	idBytes    = 16
	signedSize = 1 + 1 + idBytes + idBytes + 1
	codeSize   = signedSize + ed25519.SignatureSize
)

// Ticket is what a code is about.
type Ticket struct {
	TicketID   string // tkt_…
	EventID    string // evt_…
	Generation uint8  // rises when the ticket is issued anew; older ones are void
}

// ErrInvalid says that a text is not a code of a known key.
var ErrInvalid = errors.New("not a ticket of this platform")

// Sign returns the code of a ticket.
func (k *Keys) Sign(t Ticket) (string, error) {
	code := make([]byte, 0, codeSize)
	code = append(code, format, k.first.id)
	for _, part := range []struct{ prefix, id string }{{id.TicketPrefix, t.TicketID}, {id.Event, t.EventID}} {
		if err := id.Check(part.prefix, part.id); err != nil {
			return "", fmt.Errorf("sign a ticket: %w", err)
		}
		parsed, err := typeid.FromString(part.id)
		if err != nil {
			return "", fmt.Errorf("sign a ticket: %w", err)
		}
		code = append(code, parsed.UUIDBytes()...)
	}
	code = append(code, t.Generation)
	return encodeBase45(append(code, ed25519.Sign(k.first.private, code)...)), nil
}

// SignFirst returns the code of a ticket as it was issued at first.
func (k *Keys) SignFirst(ticketID, eventID string) (string, error) {
	return k.Sign(Ticket{TicketID: ticketID, EventID: eventID, Generation: 1})
}

// Verify returns the ticket of a code that was signed with one of the keys. Error: ErrInvalid.
func (p PublicKeys) Verify(code string) (Ticket, error) {
	raw, ok := decodeBase45(code)
	if !ok || len(raw) != codeSize || raw[0] != format {
		return Ticket{}, ErrInvalid
	}
	key, known := p[raw[1]]
	if !known || !ed25519.Verify(key, raw[:signedSize], raw[signedSize:]) {
		return Ticket{}, ErrInvalid
	}
	ticketID, err := typeid.FromUUIDBytesWithPrefix(id.TicketPrefix, raw[2:2+idBytes])
	if err != nil {
		return Ticket{}, ErrInvalid
	}
	eventID, err := typeid.FromUUIDBytesWithPrefix(id.Event, raw[2+idBytes:2+2*idBytes])
	if err != nil {
		return Ticket{}, ErrInvalid
	}
	return Ticket{TicketID: ticketID.String(), EventID: eventID.String(), Generation: raw[signedSize-1]}, nil
}
