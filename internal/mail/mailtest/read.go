package mailtest

import (
	"encoding/base64"
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
	found := map[string]string{}
	addParts(t, found, message.Header.Get("Content-Type"), message.Body)
	require.NotEmpty(t, found["text/plain"])
	require.NotEmpty(t, found["text/html"])
	return found
}

// addParts adds the text and the HTML of a body that may have parts in parts, with files beside them.
func addParts(t testing.TB, found map[string]string, contentType string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if !strings.HasPrefix(kind, "multipart/") {
		content, err := io.ReadAll(quotedprintable.NewReader(body))
		require.NoError(t, err)
		found[kind] = string(content)
		return
	}
	for reader := multipart.NewReader(body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if part.Header.Get("Content-Transfer-Encoding") != "base64" {
			addParts(t, found, part.Header.Get("Content-Type"), part)
		}
	}
}

// Files returns the files of a mail, attached or shown within its HTML, by name.
func Files(t testing.TB, data string) map[string][]byte {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(data))
	require.NoError(t, err)
	found := map[string][]byte{}
	addFiles(t, found, message.Header.Get("Content-Type"), message.Body)
	return found
}

func addFiles(t testing.TB, found map[string][]byte, contentType string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if !strings.HasPrefix(kind, "multipart/") {
		return
	}
	for reader := multipart.NewReader(body, params["boundary"]); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if part.FileName() == "" {
			addFiles(t, found, part.Header.Get("Content-Type"), part)
			continue
		}
		content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		require.NoError(t, err)
		found[part.FileName()] = content
	}
}
