package mail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketing/internal/mail/mailtest"
)

func TestFolderKeepsMailsFromOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "mail")
	mailer, err := Open(Config{From: "tickets@example.com", Folder: path})
	if err != nil {
		t.Fatal(err)
	}
	message, err := MagicLink("ann@example.com", "http://127.0.0.1:8080/auth/verify#token=abc", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := mailer.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}

	files, err := os.ReadDir(path)
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0].Name(), ".eml") {
		t.Fatalf("the folder holds %v, %v", files, err)
	}
	info, err := files[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mail's mode is %v, %v", info.Mode(), err)
	}
	if dir, err := os.Stat(path); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode is %v, %v", dir.Mode(), err)
	}
	data, err := os.ReadFile(filepath.Join(path, files[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	if text := mailtest.Parts(t, string(data))["text/plain"]; !strings.Contains(text, "http://127.0.0.1:8080/auth/verify#token=abc") {
		t.Errorf("the mail says:\n%s", text)
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no sender":       {Folder: t.TempDir()},
		"nowhere to":      {From: "tickets@example.com"},
		"another scheme":  {From: "tickets@example.com", SMTPURL: "https://user:s3cret@mail.example.com"},
		"no host":         {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@:587"},
		"a path":          {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@mail.example.com/x"},
		"not a URL":       {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret%zz@mail.example.com"},
		"port too high":   {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@mail.example.com:70000"},
		"port no integer": {From: "tickets@example.com", SMTPURL: "smtp://user:s3cret@mail.example.com:http"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(cfg)
			if err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("it answers %v", err)
			}
		})
	}
}

func TestLifetimesAreSaidInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15 minutes", time.Minute: "1 minute", 2 * time.Hour: "2 hours", time.Hour: "60 minutes",
		90 * time.Second: "90 seconds", time.Second: "1 second",
	} {
		if got := durationInWords(d); got != want {
			t.Errorf("%s reads %q, not %q", d, got, want)
		}
	}
}
