package migrate

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestUpDownStatusForce(t *testing.T) {
	t.Parallel()
	environ := map[string]string{
		"DATABASE_URL": testenv.EmptyDatabase(t), "PROJECTION_DATABASE_URL": testenv.EmptyDatabase(t), "AUTH_DATABASE_URL": testenv.EmptyDatabase(t),
	}
	migrate := func(args ...string) string {
		var out bytes.Buffer
		r, err := parseArgs(args)
		require.NoError(t, err, "%v", args)
		require.NoError(t, r.run(t.Context(), func(name string) string { return environ[name] }, &out), "%v", args)
		return out.String()
	}
	require.Regexp(t, `^events: version 0 of \d+\nread: version 0 of \d+\nauth: version 0 of \d+\n$`, migrate("status"))
	require.Regexp(t, `^events: version [1-9]\d*\nread: version [1-9]\d*\nauth: version [1-9]\d*\n$`, migrate("up"))
	before := migrate("status", "--database", "events")
	require.Contains(t, migrate("down", "--database", "events"), " of ")
	require.NotEqual(t, before, migrate("status", "--database", "events"))
	require.Equal(t, before, migrate("up", "--database", "events"))
	require.Contains(t, migrate("down", "--database=auth", "--steps=99"), "auth: version 0 of ")
	require.Contains(t, migrate("force", "--database=auth", "999"), "auth: version 999, of a newer build")
}

func TestWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"sideways"}, {"version"}, {"up", "--database", "nowhere"}, {"up", "events"}, {"up", "--steps", "2"}, {"down", "--steps", "-1"},
		{"down", "--steps", "x"}, {"force", "1"}, {"force", "--database=all", "1"}, {"force", "--database=events"}, {"force", "--database=events", "x"},
	} {
		_, err := parseArgs(args)
		require.ErrorContains(t, err, "usage:", "%v", args)
		require.Equal(t, 2, Main(args), "%v", args)
	}
	r, err := parseArgs([]string{"up", "--database=read"})
	require.NoError(t, err)
	require.ErrorContains(t, r.run(t.Context(), func(string) string { return "" }, nil), "PROJECTION_DATABASE_URL is not set")
}

func TestProductionMigratesNoDatabaseInTheClear(t *testing.T) {
	t.Parallel()
	r, err := parseArgs([]string{"status", "--database=read"})
	require.NoError(t, err)
	environ := map[string]string{"ENVIRONMENT": "production", "PROJECTION_DATABASE_URL": "postgres://ticketing@db.invalid/read"}
	getenv := func(name string) string { return environ[name] }
	require.ErrorContains(t, r.run(t.Context(), getenv, nil), "name it in ALLOW_PLAINTEXT")
	environ["ALLOW_PLAINTEXT"] = "PROJECTION_DATABASE_URL"
	require.NotContains(t, r.run(t.Context(), getenv, nil).Error(), "ALLOW_PLAINTEXT", "it is tried")
}
