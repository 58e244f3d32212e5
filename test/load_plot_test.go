package test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// The plot's size, and the room of one curve.
const (
	plotWidth, plotHeight = 860, 120
	plotLeft              = 190
)

// writePlot draws what was measured over time, one curve below the other, into the file that PLOT names.
func (r *loadRun) writePlot() {
	file, moments := os.Getenv("PLOT"), r.moments
	if file == "" || len(moments) < 2 {
		return
	}
	var out strings.Builder
	names := slices.Sorted(maps.Keys(moments[0].values))
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n",
		plotWidth, plotHeight*len(names)+20)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i, name := range names {
		drawCurve(&out, moments, name, float64(plotHeight*i+10))
	}
	out.WriteString("</svg>\n")
	require.NoError(r.t, os.WriteFile(file, []byte(out.String()), 0o600))
}

func drawCurve(out *strings.Builder, moments []moment, name string, top float64) {
	most, end := 1.0, moments[len(moments)-1].at.Seconds()
	for _, m := range moments {
		most = max(most, m.values[name])
	}
	const height = plotHeight - 30
	points := make([]string, len(moments))
	for i, m := range moments {
		points[i] = fmt.Sprintf("%.1f,%.1f", plotLeft+m.at.Seconds()/end*(plotWidth-plotLeft-20), top+height-m.values[name]/most*height)
	}
	fmt.Fprintf(out, `<text x="10" y="%.0f">%s</text><text x="10" y="%.0f" fill="gray">0 to %.0f</text>`+"\n", top+20, name, top+38, most)
	fmt.Fprintf(out, `<path d="M%d %.0fV%.0fH%d" fill="none" stroke="lightgray"/>`+"\n", plotLeft, top, top+height, plotWidth-20)
	fmt.Fprintf(out, `<polyline fill="none" stroke="#1a5fb4" stroke-width="1.5" points="%s"/>`+"\n", strings.Join(points, " "))
	fmt.Fprintf(out, `<text x="%d" y="%.0f" fill="gray" text-anchor="end">%.0f s</text>`+"\n", plotWidth-20, top+height+14, end)
}
