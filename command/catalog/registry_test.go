package catalog

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
)

// ticketPrinted is a domain event in its third version. Version 1 had the price in whole euros, version 2 in cents without a currency.
type ticketPrinted struct {
	Cents    int64  `json:"cents"`
	Currency string `json:"currency"`
}

var errTorn = errors.New("torn")

func printing() *eventstore.Registry {
	r := eventstore.NewRegistry()
	eventstore.Register[ticketPrinted](r, "TicketPrinted", 3)
	r.Upcast("TicketPrinted", 1, func(data json.RawMessage) (json.RawMessage, error) {
		var v1 struct {
			Euros int64 `json:"euros"`
		}
		if err := json.Unmarshal(data, &v1); err != nil {
			return nil, err
		}
		if v1.Euros < 0 {
			return nil, errTorn
		}
		return json.Marshal(map[string]any{"cents": v1.Euros * 100})
	})
	r.Upcast("TicketPrinted", 2, func(data json.RawMessage) (json.RawMessage, error) {
		var v2 map[string]any
		if err := json.Unmarshal(data, &v2); err != nil {
			return nil, err
		}
		v2["currency"] = "EUR"
		return json.Marshal(v2)
	})
	return r
}

func TestOldVersionsBecomeCurrentOneVersionAtATime(t *testing.T) {
	for version, data := range map[int]string{
		1: `{"euros":12}`,
		2: `{"cents":1200}`,
		3: `{"cents":1200,"currency":"EUR"}`,
	} {
		decoded, err := printing().Decode("TicketPrinted", version, json.RawMessage(data))
		require.NoError(t, err)
		require.Equal(t, ticketPrinted{Cents: 1200, Currency: "EUR"}, decoded, "version %d", version)
	}
}

func TestWhatIsWrittenIsOfTheCurrentVersion(t *testing.T) {
	name, version, data, err := printing().Encode(ticketPrinted{Cents: 1, Currency: "EUR"})
	require.NoError(t, err)
	require.Equal(t, "TicketPrinted", name)
	require.Equal(t, 3, version)
	require.JSONEq(t, `{"cents":1,"currency":"EUR"}`, string(data))
}

// A build that is older than the log must stop with an error, not skip what it doesn't know.
func TestUnknownTypesAndVersions(t *testing.T) {
	for name, c := range map[string]struct {
		name    string
		version int
	}{
		"a type of the future":    {"TicketTorn", 1},
		"no type":                 {"", 1},
		"another spelling":        {"seatsReserved", 1},
		"a version of the future": {"SeatsReserved", 2},
		"version zero":            {"SeatsReserved", 0},
		"a negative version":      {"SeatsReserved", -1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Registry().Decode(c.name, c.version, json.RawMessage(`{}`))
			unknown, ok := errors.AsType[*eventstore.UnknownTypeError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, &eventstore.UnknownTypeError{Name: c.name, Version: c.version}, unknown)
			require.ErrorContains(t, err, c.name)
		})
	}
}

func TestAGapInTheUpcastersIsAnUnknownVersion(t *testing.T) {
	r := eventstore.NewRegistry()
	eventstore.Register[ticketPrinted](r, "TicketPrinted", 3)
	r.Upcast("TicketPrinted", 1, func(data json.RawMessage) (json.RawMessage, error) { return data, nil })
	_, err := r.Decode("TicketPrinted", 1, json.RawMessage(`{}`))
	unknown, ok := errors.AsType[*eventstore.UnknownTypeError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 2, unknown.Version)
}

func TestDecodeReturnsTheCauseOfAnError(t *testing.T) {
	_, err := printing().Decode("TicketPrinted", 1, json.RawMessage(`{"euros":-1}`))
	require.ErrorIs(t, err, errTorn)
	_, err = printing().Decode("TicketPrinted", 3, json.RawMessage(`{"cents":"many"}`))
	require.ErrorContains(t, err, "TicketPrinted")
	_, err = printing().Decode("TicketPrinted", 3, nil)
	require.Error(t, err)
}

func TestEncodeRejectsTypesThatAreNotRegistered(t *testing.T) {
	_, _, _, err := Registry().Encode(ticketPrinted{}) //nolint:dogsled // only the error matters
	require.ErrorContains(t, err, "ticketPrinted")
	_, _, _, err = Registry().Encode(nil) //nolint:dogsled // only the error matters
	require.Error(t, err)
}

func TestANameOrTypeIsRegisteredOnce(t *testing.T) {
	type other struct{}
	require.Panics(t, func() { eventstore.Register[other](printing(), "TicketPrinted", 1) })
	require.Panics(t, func() { eventstore.Register[ticketPrinted](printing(), "TicketTorn", 1) })
	require.NotPanics(t, func() { eventstore.Register[other](printing(), "TicketTorn", 1) })
}
