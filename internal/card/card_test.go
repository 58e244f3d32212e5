package card_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ticketing/internal/card"
)

func TestCardNumbersAreFound(t *testing.T) {
	for _, text := range []string{
		"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "4242.4242.4242.4242", "378282246310005", "card: 5555555555554444!",
		"6011111111111117 12/29 123", "x4242424242424242x", "30569309025904", "6200000000000005", "4000000000000000006", // 13 to 19 digits
		"1 4242 4242 4242 4242", "10.00 4242424242424242", "4242424242424242 4242",
		"550e8400-e29b-41d4-a716-446655440000 4242424242424242",
	} {
		require.True(t, card.IsIn(text), text)
	}
}

func TestOtherTextIsNotACardNumber(t *testing.T) {
	for _, text := range []string{
		"", "pm_card_visa", "tok_1NvWYl2eZvKYlo2C8w8GYqA5", "pm_1234567890123", "tok_4242", "1111111111111111", "2026-12-31T20:00:00Z",
		"evt_01h455vb4pex5vsknk084sn02q", "+49 30 901820", "1732558000000",
		"1764102345678901234", "42424242424242424242", "000424242424242424242000", // times in nanoseconds, keys of many digits
	} {
		require.False(t, card.IsIn(text), text)
	}
	for range 100_000 { // idempotency keys
		key := uuid.NewString()
		require.False(t, card.IsIn("retry-"+key), key)
	}
}
