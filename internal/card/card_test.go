package card_test

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ticketing/internal/card"
	"ticketing/internal/id"
)

func TestCardNumbersAreFound(t *testing.T) {
	for _, text := range []string{
		"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "378282246310005", "card: 5555555555554444!",
		"6011111111111117 12/29 123", "x4242424242424242x", "30569309025904", "6200000000000005", "4000000000000000006", // 13 to 19 digits
		"1 4242 4242 4242 4242", "10.00 4242424242424242", "4242424242424242 4242",
		"550e8400-e29b-41d4-a716-446655440000 4242424242424242", "+49 30 901820 4242 4242 4242 4242", "+4242424242424242",
		"+378282246310005", "+3782 822463 10005", "+30569309025904", "+1 3056 930902 5904",
		"2223003122003222", "6011000990139424", "3530111333300000", "3782 822463 10005", "3056 930902 5904", "card4242424242424242",
	} {
		require.True(t, card.IsIn(text), text)
	}
}

func TestOtherTextIsNotACardNumber(t *testing.T) {
	for _, text := range []string{
		"", "pm_card_visa", "tok_1NvWYl2eZvKYlo2C8w8GYqA5", "pm_1234567890123", "tok_4242", "1111111111111111", "2026-12-31T20:00:00Z",
		"evt_01h455vb4pex5vsknk084sn02q", "+49 30 901820", "1732558000000",
		"1764102345678901234", "42424242424242424242", "000424242424242424242000", // times in nanoseconds, keys of many digits
		"4222222222222", "+49 1512 3456789", "+4915123456789", "415-555-0132 415-555-0133", "2026-11-28 2026-11-30", "20261128093000123",
		"42424242 4242 42424242", "9242424242424241", "5942424242424242", "f4242424242424242a0b1c2d3", "12-34-56 4242 4242 4242",
	} {
		require.False(t, card.IsIn(text), text)
	}
	for range 20_000 { // idempotency keys
		key := uuid.NewString()
		require.False(t, card.IsIn("retry-"+key), key)
	}
}

// Keys that are certainly no card's number pass, always. Of other keys of digits alone, few are refused: those are a card's number for
// all that a program can know.
func TestKeysAreSeldomTakenForCards(t *testing.T) {
	const tries = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	digits := func(n int) string {
		key := make([]byte, n)
		for i := range key {
			key[i] = byte('0' + random.IntN(10))
		}
		return string(key)
	}
	share := func(key func() string) float64 {
		refused := 0
		for range tries {
			if card.IsIn(key()) {
				refused++
			}
		}
		return float64(refused) / tries
	}
	start := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)
	moment := func() time.Time { return start.Add(time.Duration(random.Int64N(int64(13 * 365 * 24 * time.Hour)))) }
	for name, key := range map[string]func() string{
		"uuid4().hex":   func() string { return hex.EncodeToString(randomUUID(random)) },
		"sha-1":         func() string { return hex.EncodeToString(append(randomUUID(random), 1, 2, 3, 4)) },
		"milliseconds":  func() string { return strconv.FormatInt(moment().UnixMilli(), 10) },
		"microseconds":  func() string { return strconv.FormatInt(moment().UnixMicro(), 10) },
		"nanoseconds":   func() string { return strconv.FormatInt(moment().UnixNano(), 10) },
		"date and time": func() string { return moment().Format("20060102150405") },
		"short phone":   func() string { return "+" + digits(1+random.IntN(13)) },
		"long phone": func() string { // up to 15 digits
			return "+" + []string{"1", "43", "44", "49", "53", "62", "86", "91"}[random.IntN(8)] + digits(11+random.IntN(3))
		},
	} {
		require.Zero(t, share(key), name)
	}
	for length, most := range map[int]float64{14: 0.006, 15: 0.004, 16: 0.033, 17: 0.007, 18: 0.007, 19: 0.018} {
		rate := share(func() string { return digits(length) })
		t.Logf("%d random digits: %.2f %% are taken for a card's number", length, 100*rate)
		require.Less(t, rate, most, length)
	}
}

func randomUUID(random *rand.Rand) []byte {
	key := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, random.Uint64()), random.Uint64())
	key[6], key[8] = key[6]&0x0f|0x40, key[8]&0x3f|0x80
	return key
}

// What is refused for ever, as a retry's key is, is a number that an issuer could have given, and no other of that length.
func TestOnlyNumbersThatIssuersGiveAreRefused(t *testing.T) {
	for _, c := range []struct {
		prefix  string
		lengths []int
	}{
		{"4", []int{16, 19}},
		{"51", []int{16}}, {"55", []int{16}}, {"2221", []int{16}}, {"2720", []int{16}},
		{"34", []int{15}}, {"37", []int{15}},
		{"300", []int{14, 16}}, {"305", []int{14, 16}}, {"3095", []int{14, 16}}, {"36", []int{14, 16}}, {"38", []int{14, 16}}, {"39", []int{14, 16}},
		{"6011", []int{16, 17, 18, 19}}, {"644", []int{16, 17, 18, 19}}, {"65", []int{16, 17, 18, 19}},
		{"62", []int{16, 17, 18, 19}}, {"81", []int{16, 17, 18, 19}}, {"3528", []int{16, 17, 18, 19}}, {"3589", []int{16, 17, 18, 19}},
		{"1", nil}, {"0", nil}, {"9", nil}, {"7", nil}, {"50", nil}, {"2220", nil}, {"2721", nil}, {"33", nil}, {"35", nil}, {"61", nil}, {"643", nil}, {"818", nil},
	} {
		for length := 12; length <= 21; length++ {
			number := withLuhnSum(c.prefix + strings.Repeat("0", length-1-len(c.prefix)))
			require.Equal(t, slices.Contains(c.lengths, length), card.IsIn(number), number)
			require.Equal(t, slices.Contains(c.lengths, length), card.IsIn("order-"+number+"-retry"), number)
			last := number[length-1]
			require.False(t, card.IsIn(number[:length-1]+string('0'+(last-'0'+1)%10)), "a wrong sum: %s", number)
		}
	}
	for _, prefix := range []string{id.Event, id.Reservation, id.Payment, id.Refund, id.User} {
		for range 1_000 {
			require.False(t, card.IsIn(id.New(prefix)))
		}
	}
}

// withLuhnSum appends the digit that makes the sum right.
func withLuhnSum(digits string) string {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + strconv.Itoa((10-sum%10)%10)
}
