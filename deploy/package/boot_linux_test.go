package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockd/sim/tlstest"
)

// TestBoot installs the package on a copy of this machine, which it lets systemd boot in a
// container with a network of its own, and runs testdata/boot.sh there.
func TestBoot(t *testing.T) {
	needLong(t)
	needNFPM(t)
	if os.Getuid() != 0 {
		t.Skip("skipped: only root boots a container")
	}
	for _, program := range []string{"systemd-nspawn", "dpkg", "chroot", "bash", "setpriv"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: there is no %s", program)
		}
	}
	made, err := run("v1.2.3", runtime.GOARCH, "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := copyOfMachine(t)
	copyFile(t, made[0], filepath.Join(root, "package.deb"), 0o644)
	if out, err := exec.Command("chroot", root, "dpkg", "-i", "/package.deb").CombinedOutput(); err != nil {
		t.Fatalf("dpkg: %v\n%s", err, out)
	}
	if groups, err := os.ReadFile(filepath.Join(root, "etc/group")); err != nil || !strings.Contains(string(groups), "\nlockd:") {
		t.Errorf("there is no group lockd before the next start of the machine (%v)", err)
	}
	authority := tlstest.NewAuthority(t)
	etc := filepath.Join(root, "etc/lockd")
	authority.WriteFile(etc, "ca.pem")
	certFile, _ := tlstest.WriteFiles(t, etc, "server", authority.Issue(48*time.Hour, "127.0.0.1"))
	if err := os.Chmod(certFile, 0o644); err != nil {
		t.Fatal(err)
	}
	copyFile(t, "deploy/package/testdata/boot.sh", filepath.Join(root, "boot.sh"), 0o755)
	const service = `[Unit]
Requires=basic.target
After=basic.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/boot.sh
StandardOutput=file:/boot.out
StandardError=inherit
`
	for path, text := range map[string]string{"etc/systemd/system/boot.service": service, "etc/fstab": ""} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	args := []string{"--directory", root, "--private-network", fmt.Sprintf("--machine=lockd-test-%d", os.Getpid()), "--register=no"}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		args = append(args, "--keep-unit") // no systemd of this machine makes one
	}
	boot := exec.CommandContext(ctx, "systemd-nspawn", append(args, "--boot", "systemd.unit=boot.service")...)
	console, err := boot.CombinedOutput()
	out, missing := os.ReadFile(filepath.Join(root, "boot.out"))
	if err != nil || missing != nil {
		t.Fatalf("%v, %v\n%s%s", err, missing, console, out)
	}
	t.Logf("%s", out)
}

// copyOfMachine mounts what is at / somewhere else; what is changed there is kept in
// memory, and dropped at the end of the test.
func copyOfMachine(t *testing.T) (root string) {
	t.Helper()
	dir := t.TempDir()
	mount := func(source, target, kind, options string) {
		t.Helper()
		if err := unix.Mount(source, target, kind, 0, options); err != nil {
			t.Skipf("skipped: %s cannot be mounted: %v", kind, err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				t.Errorf("%s stays mounted: %v", target, err)
			}
		})
	}
	mount("tmpfs", dir, "tmpfs", "mode=0755")
	upper, work, root := filepath.Join(dir, "upper"), filepath.Join(dir, "work"), filepath.Join(dir, "root")
	for _, folder := range []string{upper, work, root} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount("overlay", root, "overlay", "lowerdir=/,upperdir="+upper+",workdir="+work)
	return root
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
