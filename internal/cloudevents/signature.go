package cloudevents

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// signatureHeader has "<id of a key>:<HMAC-SHA-256 in base64url>".
const signatureHeader = "signature"

// shortestKey is how many bytes a key has at least.
const shortestKey = 32

// ErrUnsigned says that a record has no signature by one of the keys.
var ErrUnsigned = errors.New("the record is not signed by the relay")

// Keys sign records, so that readers of a topic know what others have written into it. The zero Keys sign and check nothing.
type Keys struct {
	current string
	secrets map[string][]byte // by id
}

// ParseKeys parses keys of the form "<id>:<base64 of at least 32 bytes>". The first one signs, all of them are accepted, so that keys can be
// replaced one process after the other. Its errors do not quote keys.
func ParseKeys(list []string) (Keys, error) {
	k := Keys{secrets: map[string][]byte{}}
	for i, text := range list {
		id, encoded, _ := strings.Cut(strings.TrimSpace(text), ":")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case id == "" || err != nil || len(secret) < shortestKey:
			return Keys{}, fmt.Errorf("key %d is not of the form id:base64 with at least %d bytes", i+1, shortestKey)
		case k.secrets[id] != nil:
			return Keys{}, fmt.Errorf("two keys have the id %q", id)
		case k.current == "":
			k.current = id
		}
		k.secrets[id] = secret
	}
	return k, nil
}

// Off reports whether there is no key.
func (k Keys) Off() bool { return k.current == "" }

// Sign adds a signature to a record. It covers the topic, the key, the headers and the value.
func (k Keys) Sign(r *kgo.Record) {
	if k.Off() {
		return
	}
	sum := base64.RawURLEncoding.EncodeToString(signatureOf(r, k.secrets[k.current]))
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: signatureHeader, Value: []byte(k.current + ":" + sum)})
}

// ParseSigned parses a record as Parse does. If there are keys, it must have a signature by one of them: else the error is ErrUnsigned.
func (k Keys) ParseSigned(r *kgo.Record) (Event, error) {
	if !k.Off() && !k.isSigned(r) {
		return Event{}, ErrUnsigned
	}
	return Parse(r)
}

func (k Keys) isSigned(r *kgo.Record) bool {
	signature := ""
	for _, h := range r.Headers {
		if h.Key == signatureHeader {
			signature = string(h.Value)
		}
	}
	id, encoded, _ := strings.Cut(signature, ":")
	sum, err := base64.RawURLEncoding.DecodeString(encoded)
	return err == nil && k.secrets[id] != nil && hmac.Equal(sum, signatureOf(r, k.secrets[id]))
}

// signatureOf returns the HMAC of a record without its signatures. Each part has its length before it.
func signatureOf(r *kgo.Record, secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	var length [8]byte
	write := func(part []byte) {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		_, _ = mac.Write(length[:])
		_, _ = mac.Write(part)
	}
	write([]byte(r.Topic))
	write(r.Key)
	write(r.Value)
	for _, h := range r.Headers {
		if h.Key != signatureHeader {
			write([]byte(h.Key))
			write(h.Value)
		}
	}
	return mac.Sum(nil)
}
