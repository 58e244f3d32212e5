package mailtest

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Header returns a header of a mail, decoded.
func Header(t testing.TB, data, name string) string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(data))
	require.NoError(t, err)
	text, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get(name))
	require.NoError(t, err)
	return text
}

// Parts returns the decoded alternatives of a mail by content type.
func Parts(t testing.TB, data string) map[string]string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(data))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	found := map[string]string{}
	for reader := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		found[kind] = string(content)
	}
	require.Len(t, found, 2)
	require.NotEmpty(t, found["text/plain"])
	require.NotEmpty(t, found["text/html"])
	return found
}
