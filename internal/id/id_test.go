package id

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.jetify.com/typeid"
)

var prefixes = []string{Event, Reservation, Payment, Refund, User}

func TestNewIsWellFormedAndOfItsType(t *testing.T) {
	for _, prefix := range prefixes {
		s := New(prefix)
		require.NoError(t, Check(prefix, s))
		require.Equal(t, prefix, Prefix(s))
		require.True(t, strings.HasPrefix(s, prefix+"_"), s)
		require.Len(t, s, len(prefix)+1+26)
		for _, other := range prefixes {
			if other != prefix {
				require.Error(t, Check(other, s))
			}
		}
	}
}

func TestDeriveReturnsTheSameIDForAName(t *testing.T) {
	one := Derive(Refund, "stripe/re_1")
	require.NoError(t, Check(Refund, one))
	require.Equal(t, one, Derive(Refund, "stripe/re_1"))
	require.NotEqual(t, one, Derive(Refund, "stripe/re_2"))
	require.NotEqual(t, one, Derive(Payment, "stripe/re_1"))
}

func TestATicketsIDSaysWhichOneItIs(t *testing.T) {
	const reservation = "rsv_01h455vb4pex5vsknk084sn02q"
	require.NoError(t, Check(TicketPrefix, Ticket(reservation, 0)))
	again := Ticket(reservation, 11)
	require.Equal(t, again, Ticket(reservation, 11))
	require.NotEqual(t, Ticket(reservation, 0), Ticket(reservation, 1))
	require.NotEqual(t, Ticket(reservation, 0), Ticket("rsv_01h455vb4pex5vsknk084sn02r", 0))
}

func TestPrefixesAreThoseOfTheAPI(t *testing.T) {
	require.Equal(t, []string{"evt", "rsv", "pay", "rfd", "usr"}, prefixes)
}

func TestASectionHasTheIDOfItsEventAndItsPlace(t *testing.T) {
	eventID := New(Event)
	seen := map[string]bool{}
	for ordinal := range MostSections {
		s := OfSection(eventID, ordinal)
		require.NoError(t, Check(Section, s))
		require.False(t, seen[s])
		seen[s] = true
		gotEvent, gotOrdinal, err := ParseSection(s)
		require.NoError(t, err)
		require.Equal(t, eventID, gotEvent)
		require.Equal(t, ordinal, gotOrdinal)
	}
	for _, s := range []string{OfSection("evt_1", 0), OfSection(eventID, MostSections), OfSection(eventID, -1), OfSection(New(User), 1)} {
		require.Empty(t, s)
	}
	_, _, err := ParseSection(eventID)
	require.Error(t, err)
}

func TestNewIsNewEachTime(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		s := New(Event)
		require.False(t, seen[s], s)
		seen[s] = true
	}
}

// Identifiers begin with the millisecond in which they were made. Within one they have no order.
func TestNewBeginsWithTheTime(t *testing.T) {
	before := time.Now().UnixMilli()
	tid, err := typeid.FromString(New(Event))
	require.NoError(t, err)
	after := time.Now().UnixMilli()
	var made int64
	for _, b := range tid.UUIDBytes()[:6] {
		made = made<<8 | int64(b)
	}
	require.True(t, before <= made && made <= after, "%d is not between %d and %d", made, before, after)
	require.Less(t, "evt_01h455vb4pex5vsknk084sn02q", tid.String(), "made in 2023")
}

func TestMalformedIDsAreRefused(t *testing.T) {
	const good = "01h455vb4pex5vsknk084sn02q"
	require.NoError(t, Check(Event, "evt_"+good))
	for _, s := range []string{
		"", "evt", "evt_", "_" + good, good, "evt" + good, "evt-" + good, "evt__" + good, "EVT_" + good, "evt_" + strings.ToUpper(good),
		"evt_" + good[1:], "evt_" + good + "0", "evt_" + good + " ", " evt_" + good, "evt_" + good + "\n", "evt_" + good[:25] + "u", // no u in base32
		"evt_81h455vb4pex5vsknk084sn02q", // 130 bits
		"evt_evt_" + good, "évt_" + good, "evt_" + good[:25] + "é", "018e9a3b-0000-7000-8000-000000000000", strings.Repeat("x", 1<<20),
	} {
		err := Check(Event, s)
		require.Error(t, err, "%.60q", s)
		require.Less(t, len(err.Error()), 250, "the message repeats a part of the input only")
	}
}

func TestAMalformedIDHasNoPrefix(t *testing.T) {
	for _, s := range []string{"", "evt", "evt_", "evt_x", "01h455vb4pex5vsknk084sn02q"} {
		require.Empty(t, Prefix(s), s)
	}
}

// An id has one spelling only: two would be two streams.
func FuzzCheck(f *testing.F) {
	for _, prefix := range prefixes {
		f.Add(New(prefix))
	}
	f.Add("evt_01h455vb4pex5vsknk084sn02q")
	f.Add("evt_7zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("evt_00000000000000000000000000")
	f.Add("_")
	f.Add("évt_01h455vb4pex5vsknk084sn02q")
	f.Fuzz(func(t *testing.T, s string) {
		prefix := Prefix(s)
		for _, p := range prefixes {
			require.Equal(t, prefix == p, Check(p, s) == nil, "%q with prefix %q", s, p)
		}
		if prefix == "" {
			return
		}
		require.Len(t, s, len(prefix)+1+26)
		require.Equal(t, strings.ToLower(s), s)
	})
}
