package process

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Identity is whom a child runs as. The nil Identity is whoever this process runs as.
type Identity struct {
	Name     string
	UID, GID uint32
}

// Unprivileged answers the first of the users that exists, for servers that refuse to run as root; nil when this process is not root.
func Unprivileged(names ...string) (*Identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is an Identity: this process's own
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("process: user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("process: user %s: %w", name, err)
		}
		return &Identity{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("process: running as root, and none of the users %v exists to drop to", names)
}

func (i *Identity) credential() *syscall.Credential {
	if i == nil {
		return nil
	}
	return &syscall.Credential{Uid: i.UID, Gid: i.GID, Groups: []uint32{i.GID}}
}

// OwnedDir makes a directory that only the identity can read, whatever it holds already.
func (i *Identity) OwnedDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("process: %w", err)
	}
	if err := i.own(path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // a directory needs x
		return fmt.Errorf("process: %w", err)
	}
	return nil
}

// WriteFile writes a file that only the identity can read.
func (i *Identity) WriteFile(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("process: %w", err)
	}
	return i.own(path)
}

func (i *Identity) own(path string) error {
	if i == nil {
		return nil
	}
	if err := os.Chown(path, int(i.UID), int(i.GID)); err != nil {
		return fmt.Errorf("process: %w", err)
	}
	return nil
}

// ErrUnreachable says that a folder above a path keeps the identity out.
var ErrUnreachable = errors.New("process: folder is closed to the user")

// Reaches tells whether the identity may pass through all folders above path, which must be absolute. Error: ErrUnreachable.
func (i *Identity) Reaches(path string) error {
	if i == nil {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("process: %w", err)
		}
		if !i.passes(info) {
			return fmt.Errorf("%w: %s cannot pass %s (%s)", ErrUnreachable, i.Name, dir, info.Mode().Perm())
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (i *Identity) passes(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	bit := os.FileMode(0o001)
	switch {
	case ok && stat.Uid == i.UID:
		bit = 0o100
	case ok && stat.Gid == i.GID:
		bit = 0o010
	}
	return info.Mode().Perm()&bit != 0
}
