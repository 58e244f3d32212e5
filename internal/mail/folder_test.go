package mail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
)

func TestOnlyTheOwnerCanReadMailsInTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "mail")
	mailer, err := Open(Config{From: "tickets@example.com", Folder: path})
	require.NoError(t, err)
	message, err := MagicLink("ann@example.com", "http://127.0.0.1:8080/auth/verify#token=abc", time.Hour)
	require.NoError(t, err)
	require.NoError(t, mailer.Send(t.Context(), message))

	files, err := os.ReadDir(path)
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.True(t, strings.HasSuffix(files[0].Name(), ".eml"), files[0].Name())
	info, err := files[0].Info()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	dir, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	data, err := os.ReadFile(filepath.Join(path, files[0].Name()))
	require.NoError(t, err)
	require.Contains(t, mailtest.Parts(t, string(data))["text/plain"], "http://127.0.0.1:8080/auth/verify#token=abc")
}

func TestOpenRefusesAnInvalidConfiguration(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no sender":       {Folder: t.TempDir()},
		"no target":       {From: "tickets@example.com"},
		"another scheme":  {From: "tickets@example.com", SMTPURL: "https://user:s3cret@mail.example.com"},
		"no host":         {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@:587"},
		"a path":          {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@mail.example.com/x"},
		"not a URL":       {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret%zz@mail.example.com"},
		"port too high":   {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@mail.example.com:70000"},
		"port no integer": {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@mail.example.com:http"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(cfg)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestLifetimesAreWrittenInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15 minutes", time.Minute: "1 minute", 2 * time.Hour: "2 hours", time.Hour: "60 minutes",
		90 * time.Second: "90 seconds", time.Second: "1 second",
	} {
		require.Equal(t, want, durationInWords(d))
	}
}
