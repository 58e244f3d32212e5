package ticketcode

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Keys sign codes and the links of orders: the first key signs, all of them verify.
type Keys struct {
	first key
	all   map[byte]key
}

type key struct {
	id      byte
	private ed25519.PrivateKey
	links   []byte // signs links
}

// PublicKeys verify codes, by the id of the key.
type PublicKeys map[byte]ed25519.PublicKey

// NewKey returns a new key with an id from 0 to 255, as ParseKeys takes it.
func NewKey(keyID byte) string {
	var seed [ed25519.SeedSize]byte
	_, _ = rand.Read(seed[:]) // never fails: the program ends if there is no randomness
	return strconv.Itoa(int(keyID)) + ":" + base64.RawURLEncoding.EncodeToString(seed[:])
}

// ParseKeys parses keys of the form "<id>:<32 bytes in base64url>". Errors do not repeat them.
func ParseKeys(list []string) (*Keys, error) {
	if len(list) == 0 {
		return nil, errors.New("there must be a key")
	}
	keys := &Keys{all: map[byte]key{}}
	for i, text := range list {
		number, secret, _ := strings.Cut(text, ":")
		keyID, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("key %d does not begin with a number from 0 to 255 and a colon", i+1)
		}
		seed, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil || len(seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("key %d is not %d bytes in base64url", i+1, ed25519.SeedSize)
		}
		parsed := key{id: byte(keyID), private: ed25519.NewKeyFromSeed(seed), links: deriveKey(seed, "links of orders")}
		if _, taken := keys.all[parsed.id]; taken {
			return nil, fmt.Errorf("key %d has the number of another one", i+1)
		}
		keys.all[parsed.id] = parsed
		if i == 0 {
			keys.first = parsed
		}
	}
	return keys, nil
}

// deriveKey returns another key for another purpose.
func deriveKey(seed []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// Public returns what verifies codes.
func (k *Keys) Public() PublicKeys {
	public := PublicKeys{}
	for keyID, one := range k.all {
		public[keyID], _ = one.private.Public().(ed25519.PublicKey)
	}
	return public
}

// published is the form of /.well-known/ticketing-keys.json.
type published struct {
	Keys []publishedKey `json:"keys"`
}

type publishedKey struct {
	ID        byte   `json:"id"`
	Algorithm string `json:"algorithm"`
	PublicKey []byte `json:"publicKey"` // in base64
}

const algorithm = "Ed25519"

// MarshalJSON implements json.Marshaler.
func (p PublicKeys) MarshalJSON() ([]byte, error) {
	list := published{Keys: []publishedKey{}}
	for _, keyID := range slices.Sorted(maps.Keys(p)) {
		list.Keys = append(list.Keys, publishedKey{keyID, algorithm, p[keyID]})
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler. It leaves out keys of other algorithms.
func (p *PublicKeys) UnmarshalJSON(text []byte) error {
	var list published
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*p = PublicKeys{}
	for _, one := range list.Keys {
		if one.Algorithm == algorithm && len(one.PublicKey) == ed25519.PublicKeySize {
			(*p)[one.ID] = one.PublicKey
		}
	}
	return nil
}
