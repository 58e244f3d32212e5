// Package ticketpdf draws tickets on paper: A4, three on a page, each with the QR code that is scanned at the door.
package ticketpdf

import (
	"bytes"
	"fmt"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"ticketing/internal/qrcode"
)

// Sheet is the tickets of one order. All texts are in the customer's language, as they are printed.
type Sheet struct {
	Title   string // of the file
	Event   string
	Details []string // when and where
	Tickets []Ticket
	Footer  string // below each ticket
}

// Ticket is one of them.
type Ticket struct {
	Place   []string // section, seat, price
	Holder  string   // empty until one is named
	ID      string
	Code    string // of the QR code; tickets without one are not printed
	Caption string // such as "Ticket 1 of 2"
}

// Lengths are in millimetres.
const (
	margin        = 15.0
	ticketHeight  = 89.0
	ticketsOnPage = 3
	codeSide      = 58.0
	pageWidth     = 210.0
	textWidth     = pageWidth - 3*margin - codeSide
)

// font covers Latin, Greek and Cyrillic script. Reading a font is most of what a file costs, so bold text is the same font with an outline.
const font = "go"

const boldOutline = 0.25

// Render returns the sheet as a PDF file.
func Render(s Sheet) ([]byte, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(font, "", goregular.TTF)
	pdf.SetTitle(printable(s.Title), true)
	printed := 0
	for _, t := range s.Tickets {
		if t.Code == "" {
			continue
		}
		slot := printed % ticketsOnPage
		if slot == 0 {
			pdf.AddPage()
		}
		if err := drawTicket(pdf, s, t, margin+float64(slot)*ticketHeight); err != nil {
			return nil, err
		}
		printed++
	}
	var file bytes.Buffer
	if err := pdf.Output(&file); err != nil {
		return nil, fmt.Errorf("write the PDF of tickets: %w", err)
	}
	return file.Bytes(), nil
}

// textStyle is a text rendering mode of PDF (ISO 32000-1, 9.3.6).
type textStyle int

const (
	plain textStyle = 0 // fill
	bold  textStyle = 2 // fill, then stroke
)

// drawTicket draws one ticket below the height y.
func drawTicket(pdf *fpdf.Fpdf, s Sheet, t Ticket, y float64) error {
	pdf.SetXY(margin, y)
	pdf.SetDrawColor(0, 0, 0)
	pdf.SetDashPattern(nil, 0)
	pdf.SetLineWidth(boldOutline)
	write := func(style textStyle, size, height float64, lines ...string) {
		pdf.SetFont(font, "", size)
		pdf.SetTextRenderingMode(int(style))
		for _, line := range lines {
			for i, part := range pdf.SplitText(printable(line), textWidth) {
				if i == 2 { // the third line of a long name would push out what matters
					break
				}
				pdf.SetX(margin)
				pdf.CellFormat(textWidth, height, part, "", 2, "L", false, 0, "")
			}
		}
	}
	write(bold, 15, 7, s.Event)
	write(plain, 10, 5, s.Details...)
	pdf.SetY(pdf.GetY() + 2)
	write(bold, 13, 6, t.Place...)
	if t.Holder != "" {
		write(plain, 11, 6, t.Holder)
	}
	pdf.SetY(y + codeSide - 5)
	write(plain, 8, 4, t.Caption, t.ID, s.Footer)
	pdf.SetDrawColor(170, 170, 170)
	pdf.SetDashPattern([]float64{1, 1}, 0)
	pdf.Line(margin, y+ticketHeight-margin/2, pageWidth-margin, y+ticketHeight-margin/2)
	return drawCode(pdf, t.Code, pageWidth-margin-codeSide, y)
}

// drawCode draws a QR code with its upper left corner at x and y.
func drawCode(pdf *fpdf.Fpdf, text string, x, y float64) error {
	code, err := qrcode.Encode(text)
	if err != nil {
		return err
	}
	pdf.SetFillColor(0, 0, 0)
	module := codeSide / float64(code.Side())
	for run := range code.Runs() {
		pdf.Rect(x+float64(run.X)*module, y+float64(run.Y)*module, float64(run.Width)*module, module, "F")
	}
	return nil
}

var regular = mustParse(goregular.TTF)

func mustParse(ttf []byte) *sfnt.Font {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("parse the font of tickets: %v", err))
	}
	return parsed
}

// printable returns a text with a question mark for each character that the font lacks, such as those of Asian scripts and emoji. The id and
// the code, which decide at the door, are always complete.
func printable(text string) string {
	var buffer sfnt.Buffer
	return strings.Map(func(r rune) rune {
		if glyph, err := regular.GlyphIndex(&buffer, r); err != nil || glyph == 0 {
			return '?'
		}
		return r
	}, text)
}
