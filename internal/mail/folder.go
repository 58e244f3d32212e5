package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"time"
)

// folder writes mails as .eml files that any mail program opens. Only the owner may read them, since they contain magic links.
type folder struct {
	path string
	from *mail.Address
}

func newFolder(path string, from *mail.Address) (*folder, error) {
	if path == "" {
		return nil, errors.New("open the mail folder: neither a mail server nor a folder is configured")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create the mail folder: %w", err)
	}
	return &folder{path: path, from: from}, nil
}

// Send returns when the file is complete; only then it gets its name. Names sort by time.
func (f *folder) Send(_ context.Context, m Message) error {
	msg, err := composeMessage(f.from, m)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(f.path, ".writing-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = msg.WriteTo(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	name := time.Now().UTC().Format("20060102T150405.000000") + "-" + rand.Text()[:8] + ".eml"
	if err := os.Rename(file.Name(), filepath.Join(f.path, name)); err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	return nil
}
