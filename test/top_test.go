package test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/cmd/ticketing/top"
	"ticketing/internal/testenv"
	"ticketing/projector"
)

// ticketing top shows what real processes do, from their metrics alone, and which of them is gone.
func TestTopShowsARealSale(t *testing.T) {
	t.Parallel()
	tr := startTrading(t)
	var addresses []string
	for _, part := range tr.running {
		addresses = append(addresses, strings.TrimSuffix(strings.TrimPrefix(part.metrics, "http://"), "/metrics"))
	}
	before := top.Scrape(t.Context(), addresses)
	tr.trade()
	screen, _ := top.New(t.Context(), addresses, time.Second).Update(before)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // the saga measures jobs every 5 s
		shown, _ := screen.Update(top.Scrape(t.Context(), addresses))
		frame := shown.View().Content
		for _, line := range topLines() {
			if !regexp.MustCompile(line).MatchString(frame) {
				return false, line + " is missing in\n" + frame
			}
		}
		return true, ""
	})

	tr.running["relay"].killNow()
	status, output := tr.runProgram("ticketing", append([]string{"top", "-once"}, addresses...)...)
	require.Zero(t, status, output)
	require.Contains(t, output, "3 of 4 processes: api 1, projector 1, saga 1\n")
	gone := strings.TrimSuffix(strings.TrimPrefix(tr.running["relay"].metrics, "http://"), "/metrics")
	require.Regexp(t, regexp.QuoteMeta(gone)+`: .*refused`, output)
	status, _ = tr.runProgram("ticketing", "top", "-once", gone)
	require.Equal(t, 1, status)
}

// topLines are patterns of what is shown after a trade.
func topLines() []string {
	const above = `(0\.0*[1-9]|[1-9])[\d.]*` // a number that is not 0
	lines := []string{
		`4 of 4 processes: api 1, projector 1, relay 1, saga 1\n`,
		`(?m)^ +(` + above + ` +){2}0 +1 `, // reserved, completed, none expired, one hold
		`(?m)^ *query +` + above + ` +0 +0( +[\d.]+(m|µ)?s){3}`,
		`(?m)^ *mutation +` + above + ` +0 +0( +[\d.]+(m|µ)?s){3}`,
		`(?m)^ *api +` + above + ` +` + above + ` +0 +0 +[1-9]\d*( +[\d.]+(m|µ)?s){3}`,
		`(?m)^ *stripe +` + above + ` +0 .* closed`,
		`(?m)^ *redis +` + above + ` +0 .* closed`,
		`(?m)^ *refund +` + above,
	}
	for _, name := range projector.Names() {
		lines = append(lines, `(?m)^ *`+name+` +0 +0 +`+above)
	}
	return slices.Concat(lines, []string{`(?m)^ +0 +0 +1 +` + above + ` +closed`}) // relay
}
