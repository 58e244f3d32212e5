package qrcode_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/require"

	draw "ticketing/internal/qrcode"
)

func TestRunsCanBeScanned(t *testing.T) {
	t.Parallel()
	const text, pixels = "6BF+YM1Z9/TICKET", 4 // of a module
	code, err := draw.Encode(text)
	require.NoError(t, err)
	picture := image.NewGray(image.Rect(0, 0, code.Side()*pixels, code.Side()*pixels))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for run := range code.Runs() {
		for x := run.X * pixels; x < (run.X+run.Width)*pixels; x++ {
			for y := run.Y * pixels; y < (run.Y+1)*pixels; y++ {
				picture.SetGray(x, y, color.Gray{})
			}
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	require.NoError(t, err)
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	require.NoError(t, err)
	require.Equal(t, text, read.GetText())
}

func TestATextThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	_, err := draw.Encode(string(make([]byte, 5000)))
	require.Error(t, err)
}
