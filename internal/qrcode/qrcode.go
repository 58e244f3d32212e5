// Package qrcode draws QR codes: as runs of dark modules, for pages and paper, and as a picture, for mails.
package qrcode

import (
	"fmt"
	"iter"

	"rsc.io/qr"
)

// quietZone is how many light modules are around a code, as scanners need it.
const quietZone = 4

// Code is a QR code. Codes of tickets fit into version 6 at level M, which survives a scratch on a telephone.
type Code struct{ modules *qr.Code }

// Encode returns the code of a text.
func Encode(text string) (Code, error) {
	modules, err := qr.Encode(text, qr.M)
	if err != nil {
		return Code{}, fmt.Errorf("draw a QR code: %w", err)
	}
	return Code{modules}, nil
}

// Side returns the number of modules on each side, with the light ones around the code.
func (c Code) Side() int { return c.modules.Size + 2*quietZone }

// Run is dark modules side by side. X and Y are those of the first one, counted from the upper left corner of all that Side counts.
type Run struct{ X, Y, Width int }

// Runs returns what is dark.
func (c Code) Runs() iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for y := range c.modules.Size {
			for x := 0; x < c.modules.Size; x++ {
				width := 0
				for c.modules.Black(x+width, y) { // beyond the code all is light
					width++
				}
				if width > 0 && !yield(Run{x + quietZone, y + quietZone, width}) {
					return
				}
				x += width
			}
		}
	}
}

// PNG returns the code as a picture, with light modules around it.
func (c Code) PNG() []byte { return c.modules.PNG() }
