package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

func TestOnlyWhatAllMaySeeIsShared(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]bool{
		`subscription { availability(eventId: "x") { id __typename ...e } } fragment e on Event { sections { available price { amount } } }`: true,
		`subscription { seatChanges(eventId: "x") { version changes { label status } } }`:                                                    true,
		`subscription { availability(eventId: "x") { id reservations { nodes { id } } } }`:                                                   false,
		`subscription { availability(eventId: "x") { ...e } } fragment e on Event { ... { payments { nodes { id } } } }`:                     false,
		`subscription { reservationStatus(id: "x") { id } }`:                                                                                 false,
	} {
		parsed, errs := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules())
		require.Empty(t, errs)
		require.Equal(t, want, areShared(parsed.Operations[0].SelectionSet), document)
	}
	for name, fields := range sharedFields {
		for _, field := range fields {
			require.NotNil(t, schema.Types[name].Fields.ForName(field), "%s.%s", name, field)
		}
	}
}
