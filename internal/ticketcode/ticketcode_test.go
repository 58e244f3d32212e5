package ticketcode

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/internal/id"
)

func newKeys(t *testing.T, list ...string) *Keys {
	t.Helper()
	keys, err := ParseKeys(list)
	require.NoError(t, err)
	return keys
}

func TestACodeIsVerifiedWithThePublishedKeys(t *testing.T) {
	t.Parallel()
	old, current := NewKey(1), NewKey(2)
	ticket := Ticket{TicketID: id.Ticket(id.New(id.Reservation), 0), EventID: id.New(id.Event), Generation: 3}
	code, err := newKeys(t, current, old).Sign(ticket)
	require.NoError(t, err)
	require.Len(t, code, 149, "a QR code of version 6 at level M has room for 154")
	oldCode, err := newKeys(t, old).Sign(ticket)
	require.NoError(t, err)

	text, err := json.Marshal(newKeys(t, current, old).Public())
	require.NoError(t, err)
	var public PublicKeys
	require.NoError(t, json.Unmarshal(text, &public))
	for _, c := range []string{code, oldCode} {
		verified, err := public.Verify(c)
		require.NoError(t, err)
		require.Equal(t, ticket, verified)
	}
	_, err = newKeys(t, current).Public().Verify(oldCode)
	require.ErrorIs(t, err, ErrInvalid, "a key that was taken away")
	_, err = newKeys(t, NewKey(2)).Public().Verify(code)
	require.ErrorIs(t, err, ErrInvalid, "another key with the same number")
}

func TestAChangedCodeIsRefused(t *testing.T) {
	t.Parallel()
	keys := newKeys(t, NewKey(1))
	code, err := keys.Sign(Ticket{TicketID: id.Ticket(id.New(id.Reservation), 0), EventID: id.New(id.Event)})
	require.NoError(t, err)
	for i := range code {
		for _, c := range alphabet {
			changed := code[:i] + string(c) + code[i+1:]
			if _, err := keys.Public().Verify(changed); changed != code {
				require.ErrorIs(t, err, ErrInvalid, "character %d", i)
			}
		}
	}
	for _, text := range []string{"", "A", code + "0", strings.ToLower(code), code[:len(code)-2]} {
		_, err := keys.Public().Verify(text)
		require.ErrorIs(t, err, ErrInvalid)
	}
}

func TestOnlyTicketsAreSigned(t *testing.T) {
	t.Parallel()
	_, err := newKeys(t, NewKey(1)).Sign(Ticket{TicketID: id.New(id.Event), EventID: id.New(id.Event)})
	require.Error(t, err)
}

func TestBase45IsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	require.Equal(t, "BB8", encodeBase45([]byte("AB")))
	require.Equal(t, "%69 VD92EX0", encodeBase45([]byte("Hello!!")))
	for _, text := range []string{"GGW", ":::", "A", "::", "a", "AAAA"} {
		_, ok := decodeBase45(text)
		require.False(t, ok, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "raw")
		decoded, ok := decodeBase45(encodeBase45(raw))
		require.True(t, ok)
		require.Equal(t, raw, decoded)
	})
}

func TestALinkOpensOneOrderForATime(t *testing.T) {
	t.Parallel()
	old := NewKey(1)
	keys, order, expires := newKeys(t, old), id.New(id.Reservation), time.Now().Add(time.Hour)
	link := keys.SignLink(order, expires)
	require.Regexp(t, `^[\w-]{34}$`, link)
	require.True(t, keys.OpensOrder(link, order, time.Now()))
	require.True(t, newKeys(t, NewKey(2), old).OpensOrder(link, order, time.Now()), "after the keys were rotated")
	require.False(t, keys.OpensOrder(link, order, expires))
	require.False(t, keys.OpensOrder(link, id.New(id.Reservation), time.Now()))
	require.False(t, newKeys(t, NewKey(1)).OpensOrder(link, order, time.Now()))
	for _, text := range []string{"", "?", link + "A", link[:33]} {
		require.False(t, keys.OpensOrder(text, order, time.Now()))
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	good := NewKey(1)
	for _, list := range [][]string{nil, {""}, {"1"}, {"1:short"}, {"256" + good[1:]}, {good, good}} {
		_, err := ParseKeys(list)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "short", "a key is not repeated")
	}
}
