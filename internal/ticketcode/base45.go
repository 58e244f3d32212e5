package ticketcode

import "strings"

// alphabet is that of RFC 9285: the characters of a QR code's alphanumeric mode.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// encodeBase45 returns three characters for each two bytes, and two for a last one.
func encodeBase45(raw []byte) string {
	var text strings.Builder
	for len(raw) > 1 {
		n := int(raw[0])<<8 | int(raw[1])
		text.Write([]byte{alphabet[n%45], alphabet[n/45%45], alphabet[n/(45*45)]})
		raw = raw[2:]
	}
	if len(raw) == 1 {
		text.Write([]byte{alphabet[int(raw[0])%45], alphabet[int(raw[0])/45]})
	}
	return text.String()
}

// decodeBase45 reports false for a text that encodeBase45 does not return.
func decodeBase45(text string) (raw []byte, ok bool) {
	for len(text) > 0 {
		size := min(3, len(text))
		n, weight := 0, 1
		for _, c := range []byte(text[:size]) {
			digit := strings.IndexByte(alphabet, c)
			if digit < 0 {
				return nil, false
			}
			n += digit * weight
			weight *= 45
		}
		switch {
		case size == 3 && n <= 0xffff:
			raw = append(raw, byte(n>>8), byte(n))
		case size == 2 && n <= 0xff:
			raw = append(raw, byte(n))
		default:
			return nil, false
		}
		text = text[size:]
	}
	return raw, true
}
