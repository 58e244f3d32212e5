package test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

const readStatus = `query($id: ID!) { reservation(id: $id) { status } }`

// dumpDatabase writes a backup of a database with PostgreSQL's own tool, and returns its file.
func dumpDatabase(t testing.TB, url string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dump")
	output, err := exec.CommandContext(t.Context(), "pg_dump", "--format=custom", "--file="+file, "--dbname="+url).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return file
}

// restoreDatabase restores a backup into a new database, and returns its URL.
func restoreDatabase(t testing.TB, file string) string {
	t.Helper()
	url := testenv.EmptyDatabase(t)
	output, err := exec.CommandContext(t.Context(), "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+url, file).CombinedOutput()
	require.NoError(t, err, "%s", output)
	return url
}

// startParts starts all parts of the platform.
func (p *platform) startParts() []runningPart {
	p.t.Helper()
	return []runningPart{p.startAPI(), p.startPart("relay"), p.startPart("projector"), p.startPart("saga")}
}

// buyFloor buys general admission.
func buyFloor(t testing.TB, c *client, eventID string, quantity int) (reservationID string) {
	t.Helper()
	reserved := requireAccepted(t, c.reserveSeats(eventID, bestSeats("Floor", quantity))).Reservation
	requireAccepted(t, c.payByCard(reserved.ID, "pm_card_visa"))
	awaitStatus(t, c, reserved.ID, "COMPLETED")
	return reserved.ID
}

// Everything is lost but a backup of the log and one of the users, as docs/deployment.md ("Backup and restore") says.
func TestEverythingFollowsFromARestoredLog(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	redis, broker := testenv.RedisServer(t), testenv.BrokerServer(t, 3)
	env["REDIS_URL"], env["REDPANDA_BROKERS"] = redis.URL(), broker.Addrs()[0]
	p := newPlatformIn(t, env)
	running := p.startParts()
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	olderUsers := dumpDatabase(t, env["AUTH_DATABASE_URL"])
	kept := buyFloor(t, signIn(t, p.url, "alice@example.com"), id, 3)
	log, users := dumpDatabase(t, env["DATABASE_URL"]), dumpDatabase(t, env["AUTH_DATABASE_URL"])
	lost := buyFloor(t, signIn(t, p.url, "bob@example.com"), id, 7)
	for _, part := range running {
		part.stop()
	}

	env["DATABASE_URL"], env["PROJECTION_DATABASE_URL"] = restoreDatabase(t, log), testenv.EmptyDatabase(t)
	redis.Kill()
	redis.Wipe()
	redis.Start()
	broker.Kill()
	broker.Wipe()
	broker.Start()
	env["AUTH_DATABASE_URL"] = restoreDatabase(t, olderUsers)
	status, output := p.runProgram("ticketing", "restore-check", "-new-incarnation")
	require.Equal(t, 1, status, output)
	require.Contains(t, output, "strangers to their own tickets")
	env["AUTH_DATABASE_URL"] = restoreDatabase(t, users)
	status, output = p.runProgram("ticketing", "restore-check", "-new-incarnation")
	require.Zero(t, status, output)
	status, output = p.runProgram("ticketing", "migrate", "up")
	require.Zero(t, status, output)

	p.startParts()
	alice := signIn(t, p.url, "alice@example.com")
	require.Len(t, awaitStatus(t, alice, kept, "COMPLETED").Seats, 3)
	require.Equal(t, "NOT_FOUND", alice.requireError(readStatus, vars{"id": lost}))
	buyFloor(t, alice, id, 7) // what was sold after the backup is for sale again
	awaitSections(t, alice, id, map[string][3]int{"Floor": {0, 0, 10}})
	p.requireVerified()
}

// Without a backup of the users, the log and what was sold are whole, but their owners are unknown.
func TestALostAuthDatabaseMakesCustomersStrangers(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	running := p.startParts()
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	sold := buyFloor(t, signIn(t, p.url, "alice@example.com"), id, 3)
	for _, part := range running {
		part.stop()
	}
	p.env["AUTH_DATABASE_URL"] = testenv.AuthDatabase(t)
	status, output := p.runProgram("ticketing", "restore-check")
	require.Equal(t, 1, status, output)
	require.Contains(t, output, "2 of 2 users of the last 10000 domain events are unknown")
	p.startParts()
	awaitStatus(t, signIn(t, p.url, adminEmail), sold, "COMPLETED")
	stranger := signIn(t, p.url, "alice@example.com") // the same address is a new user
	require.Equal(t, "FORBIDDEN", stranger.requireError(readStatus, vars{"id": sold}))
	p.requireVerified()
}
