package migrate

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestUpDownVersion(t *testing.T) {
	t.Parallel()
	environ := map[string]string{
		"DATABASE_URL": testenv.EmptyDatabase(t), "PROJECTION_DATABASE_URL": testenv.EmptyDatabase(t), "AUTH_DATABASE_URL": testenv.EmptyDatabase(t),
	}
	migrate := func(args ...string) string {
		var out bytes.Buffer
		require.NoError(t, runMigrate(t.Context(), args, func(name string) string { return environ[name] }, &out), "%v", args)
		return out.String()
	}
	require.Contains(t, migrate("version"), "events: version 0\nread: version 0\nauth: version 0\n")
	require.NotContains(t, migrate("up"), "version 0")
	before := migrate("version", "events")
	migrate("down", "events")
	require.NotEqual(t, before, migrate("version", "events"))
	require.Equal(t, before, migrate("up", "events"))
	require.Equal(t, "auth: version 0\n", migrate("down", "auth", "99"))
}

func TestWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"sideways"}, {"up", "nowhere"}, {"up", "events", "1"}, {"down", "events", "-1"}, {"down", "events", "x"},
		{"force"}, {"force", "all", "1"}, {"force", "events"}, {"up", "events", "1", "2"},
	} {
		require.ErrorContains(t, runMigrate(t.Context(), args, func(string) string { return "" }, nil), "usage:", "%v", args)
	}
	require.ErrorContains(t, runMigrate(t.Context(), []string{"up", "read"}, func(string) string { return "" }, nil), "PROJECTION_DATABASE_URL is not set")
}
