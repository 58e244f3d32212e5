package ticketpdf_test

import (
	"bytes"
	"image"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/require"

	"ticketing/internal/ticketpdf"
)

// code has the length and the alphabet of a real one.
var code = strings.Repeat("6BF+YM1Z9/", 14) + "6BF+YM1Z9"

func newSheet(tickets int) ticketpdf.Sheet {
	s := ticketpdf.Sheet{Title: "Tickets", Event: "Первая ночь — Première", Details: []string{"Saturday, 12 December 2026, 20:00 CET", "Town hall"}, Footer: "Footer"}
	for range tickets {
		s.Tickets = append(s.Tickets, ticketpdf.Ticket{Place: []string{"Stalls", "A-12"}, Holder: "Zoë 🎫 李", ID: "tkt_01h455vb4pex5vsknk084sn02q", Code: code, Caption: "Ticket"})
	}
	return s
}

func TestTicketsArePrintedThreeOnAPage(t *testing.T) {
	for tickets, pages := range map[int]int{1: 1, 3: 1, 4: 2, 8: 3} {
		file, err := ticketpdf.Render(newSheet(tickets))
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(file, []byte("%PDF-")))
		require.Equal(t, pages, bytes.Count(file, []byte("/Type /Page\n")), "%d tickets", tickets)
	}
	withVoid := newSheet(4)
	withVoid.Tickets[1].Code = ""
	file, err := ticketpdf.Render(withVoid)
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(file, []byte("/Type /Page\n")), "a void ticket is not printed")
}

func TestAPrintedCodeCanBeScanned(t *testing.T) {
	tool, err := exec.LookPath("pdftoppm")
	if err != nil {
		t.Skip("pdftoppm is missing: Debian's poppler-utils has it")
	}
	file, err := ticketpdf.Render(newSheet(1))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "tickets")
	require.NoError(t, os.WriteFile(path+".pdf", file, 0o600))
	require.NoError(t, exec.CommandContext(t.Context(), tool, "-png", "-r", "100", "-singlefile", path+".pdf", path).Run())
	picture, err := os.Open(path + ".png")
	require.NoError(t, err)
	defer picture.Close()
	page, _, err := image.Decode(picture)
	require.NoError(t, err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(page)
	require.NoError(t, err)
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	require.NoError(t, err)
	require.Equal(t, code, read.GetText())
}

func BenchmarkEightTickets(b *testing.B) {
	for b.Loop() {
		if _, err := ticketpdf.Render(newSheet(8)); err != nil {
			b.Fatal(err)
		}
	}
}
