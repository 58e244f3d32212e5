package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// getBody returns the body at an address.
func getBody(t testing.TB, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

// An operator finds records that could not be applied, and replays them after the repair.
func TestAnOperatorReplaysDeadLetters(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["RESERVATION_HOLD"] = "1h"
	p.startAPI()
	alice := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 100, nil)
	poisoned := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	fine := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.cancelReservation(poisoned.ID))
	rename := func(from, to string) {
		_, err := p.openPool("DATABASE_URL").Exec(t.Context(), `UPDATE domain_events SET type = $3 WHERE stream_id = 'reservation-' || $1 AND type = $2`,
			poisoned.ID, from, to)
		require.NoError(t, err)
	}
	rename("ReservationInitiated", "ReservationImagined")

	status, output := p.runProgram("projector", "dead-letters", "list")
	require.Zero(t, status, output)
	require.Contains(t, output, "There are no dead letters.")
	p.startPart("relay")
	projector := p.startPart("projector", "--projection", "reservations")
	p.startPart("projector", "--projection", "events", "--projection", "availability", "--projection", "payments")
	awaitStatus(t, alice, fine.ID, "SEATS_RESERVED")
	p.awaitLag(0, "reservations")

	stream := "reservation-" + poisoned.ID
	status, output = p.runProgram("projector", "dead-letters", "list", "reservations", "payments")
	require.Zero(t, status, output)
	require.Regexp(t, `(?m)^PROJECTION +STREAM +VERSION +WAITING UP TO +TYPE +SINCE +ERROR\n`+
		`reservations +`+stream+` +1 +2 +ReservationImagined +20\S+ \S+ +domain event type ReservationImagined, .* unknown to this build$`, output)
	require.Contains(t, projector.readLog(), stream)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		metrics := getBody(t, projector.metrics)
		return regexp.MustCompile(`(?m)^ticketing_projector_dead_letters\{.*projection="reservations".*\} 1$`).MatchString(metrics) &&
			regexp.MustCompile(`(?m)^ticketing_projector_dead_lettered_total\{.*projection="reservations".*\} 1$`).MatchString(metrics) &&
			regexp.MustCompile(`(?m)^ticketing_projector_lag_records\{.*partition="0".*projection="reservations",topic="ticketing-reservation-events"\} 0$`).
				MatchString(metrics), metrics
	})

	status, output = p.runProgram("projector", "dead-letters", "replay")
	require.Equal(t, 1, status, output)
	require.Contains(t, output, "reservations: 0 replayed, 1 still can't be applied\n")
	rename("ReservationImagined", "ReservationInitiated")
	status, output = p.runProgram("projector", "dead-letters", "replay", "--stream", "reservation-another")
	require.Zero(t, status, output)
	require.Contains(t, output, "There is nothing to replay.")
	status, output = p.runProgram("projector", "dead-letters", "replay", "--stream", stream, "reservations")
	require.Zero(t, status, output)
	require.Contains(t, output, "reservations: 1 replayed, 0 still can't be applied\n")
	require.Equal(t, "CANCELLED", alice.readReservation(poisoned.ID, 2).Status)

	status, output = p.runProgram("projector", "dead-letters", "replay", "--stream")
	require.Equal(t, 2, status, output)
	status, output = p.runProgram("projector", "rebuild", "weather")
	require.Equal(t, 2, status, output)
	require.Contains(t, output, `there is no projection "weather"`)
}

func TestHealthShowsTheLagAndDegradesByIt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	api := p.startAPI()
	id := onSale(t, signIn(t, p.url, adminEmail), 10_000, nil)
	health := func() (status string, lag float64, partitions int) {
		var answer struct {
			Status string
			Checks map[string]struct {
				Detail map[string]struct {
					Records    float64
					Partitions []struct{ Seconds float64 }
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(getBody(t, api.health())), &answer)) // 200 at any lag
		reservations := answer.Checks["api: projections"].Detail["reservations"]
		return answer.Status, reservations.Records, len(reservations.Partitions)
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // results are used again for a second
		status, lag, _ := health()
		return status == "ok" && lag > 0, fmt.Sprint(status, lag, " although nothing is published yet")
	})
	p.fillHistory(id, 250)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		status, lag, _ := health()
		return status == "degraded" && lag >= 1000, fmt.Sprint(status, lag)
	})
	p.startPart("relay")
	p.startPart("projector")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		status, lag, partitions := health()
		return status == "ok" && lag == 0 && partitions == 3, status
	})
}
