package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mountFlags hold for everything that is mounted.
const mountFlags = unix.MS_NOSUID | unix.MS_NODEV

// newRoot mounts a small file system of this process alone over a directory that exists, and gives it.
func newRoot(flags uintptr, size string) (string, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", fmt.Errorf("part the mounts from the machine's: %w", err)
	}
	for _, dir := range []string{"/tmp", "/var/tmp", "/mnt", "/run"} {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		if err := unix.Mount("none", dir, "tmpfs", mountFlags|unix.MS_NOEXEC|flags, size); err != nil {
			return "", fmt.Errorf("mount an empty root: %w", err)
		}
		return dir, nil
	}
	return "", fmt.Errorf("mount an empty root: none of /tmp, /var/tmp, /mnt and /run is a directory")
}

// enterRoot makes dir the root and lets go of the old one.
func enterRoot(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil { // stacked: the old root lies on top, and is taken off next
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old root: %w", err)
	}
	return nil
}

// emptyRoot leaves this process a root with nothing in it, which it can't write to.
func emptyRoot() error {
	dir, err := newRoot(unix.MS_RDONLY, "size=4k,mode=0500,nr_inodes=2")
	if err != nil {
		return err
	}
	return enterRoot(dir)
}

// libraryRoot leaves it programs, libraries and fonts, for reading.
func libraryRoot() error {
	dir, err := newRoot(0, "size=1m,mode=0755")
	if err != nil {
		return err
	}
	for _, from := range []string{"/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/fonts", "/var/cache/fontconfig"} {
		if err := show(from, filepath.Join(dir, from)); err != nil {
			return fmt.Errorf("show %s: %w", from, err)
		}
	}
	return enterRoot(dir)
}

// show makes what lies at from readable at to. What is not there is left out.
func show(from, to string) error {
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	switch {
	case info.Mode()&os.ModeSymlink != 0: // /lib is usr/lib today
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case info.IsDir():
		err = os.Mkdir(to, 0o755)
	default:
		err = os.WriteFile(to, nil, 0o600)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(to, &fs); err != nil {
		return err
	}
	// What the machine locked for this user must be said again. ST_* and MS_* of these four are the same bits.
	keep := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME)
	return unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|mountFlags|keep, "")
}
