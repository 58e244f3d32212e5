package shop

import (
	"fmt"
	"html/template"
	"strings"

	"ticketing/internal/qrcode"
)

// drawQR returns a text as a QR code in SVG.
func drawQR(text, label string) (template.HTML, error) {
	code, err := qrcode.Encode(text)
	if err != nil {
		return "", err
	}
	var path strings.Builder
	for run := range code.Runs() {
		fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", run.X, run.Y, run.Width, run.Width)
	}
	side := code.Side()
	//nolint:gosec // numbers, and a label that is escaped
	return template.HTML(fmt.Sprintf(`<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		template.HTMLEscapeString(label), side, side, side, side, path.String())), nil
}
