package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"go.jetify.com/typeid"

	"ticketing/internal/id"
)

// tokenBytes is the strength of magic links and sessions: 256 bits.
const tokenBytes = 32

// encoding has one text for each token: Strict refuses stray bits in the last character.
var encoding = base64.RawURLEncoding.Strict()

// newToken returns a random secret, of which only the digest is stored.
func newToken() string {
	var secret [tokenBytes]byte
	_, _ = rand.Read(secret[:]) // never fails: the program ends if there is no randomness
	return encoding.EncodeToString(secret[:])
}

// digest is the SHA-256 of a token's bytes. The token is as random as the hash is long, so that no slower hash is needed.
type digest [sha256.Size]byte

// digestOf returns false for a text that can't be a token, so that garbage costs no round trip.
func digestOf(token string) (digest, bool) {
	secret, err := encoding.DecodeString(token)
	if err != nil || len(secret) != tokenBytes {
		return digest{}, false
	}
	return sha256.Sum256(secret), true
}

func (d digest) String() string { return encoding.EncodeToString(d[:]) }

// sessionID returns the public id of the session whose token has this digest: half of the digest, which does not reveal the token.
func (d digest) sessionID() (string, error) {
	tid, err := typeid.FromUUIDBytesWithPrefix(id.Session, d[:16])
	if err != nil {
		return "", fmt.Errorf("name a session: %w", err)
	}
	return tid.String(), nil
}
