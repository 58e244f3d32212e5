package services

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ticketing/internal/process"
)

// ErrInUse says that another process works with the folder.
var ErrInUse = errors.New("services: folder is in use by another process")

// lock keeps other processes out of a folder. The kernel gives it free when this process is gone.
type lock struct{ file *os.File }

func lockDir(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the servers' users pass through it
		return nil, fmt.Errorf("services: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("services: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: %s; stop that process, or set DATA_DIR to a folder of your own", ErrInUse, dir)
		}
		return nil, errors.Join(err, file.Close())
	}
	return &lock{file: file}, nil
}

func (l *lock) release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("services: %w", err)
	}
	return nil
}

func readOrMakePassword(path string) (string, error) {
	data, err := os.ReadFile(path)
	if password := strings.TrimSpace(string(data)); err == nil && password != "" {
		return password, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("services: %w", err)
	}
	password := rand.Text()
	if err := writeFile(path, []byte(password+"\n")); err != nil {
		return "", err
	}
	return password, nil
}

// writeFile replaces a file whole or not at all, since this process may be killed at any moment.
func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("services: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("services: %w", err)
	}
	return nil
}

// elsewhere is where a server's data go when its user cannot reach DATA_DIR, as below /root.
const elsewhere = "/var/lib/ticketing"

// reachable answers the folder that stands for dir: dir itself or, when the identity is kept out by a folder above it, one in
// /var/lib/ticketing that dir becomes a link to. Opening somebody's home folder to others would be the worse surprise.
func reachable(dir string, identity *process.Identity, logger *slog.Logger) (string, error) {
	target, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = dir, os.Remove(dir) // a link whose target is gone
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("services: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // passed through by the server's user
		return "", fmt.Errorf("services: %w", err)
	}
	err = identity.Reaches(target)
	if err == nil || !errors.Is(err, process.ErrUnreachable) {
		return target, err
	}
	if _, statErr := os.Stat(target); statErr == nil {
		return "", fmt.Errorf("%w; set DATA_DIR to a folder that it can reach, such as below %s", err, elsewhere)
	}
	if err := os.MkdirAll(elsewhere, 0o755); err != nil { //nolint:gosec // passed through by the server's user
		return "", fmt.Errorf("services: %w", err)
	}
	if target, err = os.MkdirTemp(elsewhere, filepath.Base(dir)+"-"); err != nil {
		return "", fmt.Errorf("services: %w", err)
	}
	if err := os.Symlink(target, dir); err != nil {
		return "", fmt.Errorf("services: %w", err)
	}
	logger.Warn("the server's user cannot reach DATA_DIR: its data are kept elsewhere", "user", identity.Name, "folder", dir, "kept_in", target)
	return target, nil
}
