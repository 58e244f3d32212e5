package ticketcode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// linkMAC is how many bytes of the MAC a link has: 128 bits can't be guessed.
const linkMAC = 16

// linkSize is that of a link: the id of the key, when it expires, and the MAC.
const linkSize = 1 + 8 + linkMAC

// SignLink returns a text that shows the order until it expires. Only we can check it, so that it is shorter than a ticket's signature.
func (k *Keys) SignLink(orderID string, expires time.Time) string {
	link := make([]byte, 0, linkSize)
	link = append(link, k.first.id)
	link = binary.BigEndian.AppendUint64(link, uint64(expires.Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(append(link, k.first.signLink(link, orderID)...))
}

// OpensOrder reports whether SignLink returned the link for the order, and it has not expired.
func (k *Keys) OpensOrder(link, orderID string, now time.Time) bool {
	raw, err := base64.RawURLEncoding.DecodeString(link)
	if err != nil || len(raw) != linkSize {
		return false
	}
	signer, known := k.all[raw[0]]
	signed := raw[:linkSize-linkMAC]
	if !known || !hmac.Equal(signer.signLink(signed, orderID), raw[linkSize-linkMAC:]) {
		return false
	}
	return now.Unix() < int64(binary.BigEndian.Uint64(signed[1:])) //nolint:gosec // as SignLink wrote it
}

func (k key) signLink(signed []byte, orderID string) []byte {
	mac := hmac.New(sha256.New, k.links)
	mac.Write(signed)
	mac.Write([]byte(orderID))
	return mac.Sum(nil)[:linkMAC]
}
