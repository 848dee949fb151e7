package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patience is how long something may take that must happen.
const patience = 60 * time.Second

// TestMain runs in the root of the module, as the command does.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var long = flag.Bool("long", false, "also make whole packages, which takes half a minute")

// needLong skips the test unless -long is given.
func needLong(t *testing.T) {
	t.Helper()
	if !*long {
		t.Skip("skipped: it builds and compresses everything; go test ./deploy/package -long does")
	}
}

// needNFPM skips the test unless nfpm can be built without the network.
func needNFPM(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("packages are made on Linux")
	}
	t.Setenv("GOPROXY", "off")
	if out, err := exec.Command("go", "tool", "-modfile=deploy/package/tools.mod", "nfpm", "--version").CombinedOutput(); err != nil {
		t.Skipf("nfpm is not there; go mod download -modfile=deploy/package/tools.mod gets it: %v\n%s", err, out)
	}
}

// TestPackage makes a package and an archive, twice, and looks at what is in them.
func TestPackage(t *testing.T) {
	needLong(t)
	needNFPM(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	dir := t.TempDir()
	var made [2][]string
	for i := range made {
		var err error
		if made[i], err = run("v1.2.3-rc1", runtime.GOARCH, "Some Body <body@example.org>", filepath.Join(dir, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for i, path := range made[0] {
		a, errA := os.ReadFile(path)
		b, errB := os.ReadFile(made[1][i])
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is not the same the second time: %v, %v", filepath.Base(path), errA, errB)
		}
	}
	deb, archive := made[0][0], made[0][1]
	if base := filepath.Base(deb); base != "lockd_1.2.3~rc1_"+runtime.GOARCH+".deb" {
		t.Errorf("the package is %s", base)
	}
	root := filepath.Join(dir, "root")
	unpack(t, archive, root)
	list := listed(t, root)
	if diff := cmp.Diff(wanted(t), list); diff != "" {
		t.Errorf("in the archive:\n%s", diff)
	}
	t.Run("deb", func(t *testing.T) { checkDeb(t, deb, list) })
	t.Run("run", func(t *testing.T) { checkPrograms(t, root) })
}

// wanted is what must be in a package: modes and paths.
func wanted(t *testing.T) []string {
	want := []string{
		"-rwxr-xr-x usr/bin/lockd", "-rwxr-xr-x usr/bin/lockctl", "-rwxr-xr-x usr/bin/lockcheck",
	}
	for _, path := range []string{
		"usr/share/man/man8/lockd.8.gz", "usr/share/man/man1/lockctl.1.gz", "usr/share/man/man1/lockcheck.1.gz",
		"usr/share/bash-completion/completions/lockctl", "usr/share/zsh/vendor-completions/_lockctl",
		"usr/share/fish/vendor_completions.d/lockctl.fish",
		"usr/lib/systemd/system/lockd.service", "usr/lib/systemd/system/lockd.socket", "usr/lib/sysusers.d/lockd.conf", "etc/lockd/lockd.conf",
		"usr/share/doc/lockd/copyright", "usr/share/doc/lockd/changelog.gz", "usr/share/doc/lockd/CHANGELOG.md.gz",
		"usr/share/doc/lockd/README.md",
	} {
		want = append(want, "-rw-r--r-- "+path)
	}
	entries, err := os.ReadDir("docs")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".md") {
			want = append(want, "-rw-r--r-- usr/share/doc/lockd/docs/"+e.Name())
		}
	}
	slices.Sort(want)
	return want
}

// unpack unpacks an archive, without the folder that everything is in.
func unpack(t *testing.T, archive, root string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(plain)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		folder, path, _ := strings.Cut(h.Name, "/")
		if folder != "lockd-1.2.3-rc1-linux-"+runtime.GOARCH || h.Uid != 0 || h.Uname != "root" || h.ModTime.Unix() != 1700000000 {
			t.Errorf("%s is of %s, and from %v", h.Name, h.Uname, h.ModTime)
		}
		data, err := io.ReadAll(r)
		if err == nil {
			err = os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, path), data, 0o600)
		}
		if err == nil {
			err = os.Chmod(filepath.Join(root, path), h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// listed returns the modes and paths of the files below a folder.
func listed(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		list = append(list, info.Mode().String()+" "+name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// checkDeb checks the package, which must have the same files as the archive.
func checkDeb(t *testing.T, deb string, list []string) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("there is no dpkg-deb")
	}
	out := func(args ...string) string {
		t.Helper()
		text, err := exec.Command("dpkg-deb", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("dpkg-deb %q: %v\n%s", args, err, text)
		}
		return string(text)
	}
	root, control := t.TempDir(), t.TempDir()
	out("-x", deb, root)
	out("-e", deb, control)
	if diff := cmp.Diff(list, listed(t, root)); diff != "" {
		t.Errorf("the package and the archive differ:\n%s", diff)
	}
	for line := range strings.Lines(out("-c", deb)) {
		if f := strings.Fields(line); f[1] != "root/root" || f[0][0] == 'd' && f[0] != "drwxr-xr-x" {
			t.Errorf("in the package: %s", line)
		}
	}
	fields := out("-f", deb)
	for _, want := range []string{
		"Package: lockd\n", "Version: 1.2.3~rc1\n", "Architecture: " + runtime.GOARCH + "\n", "Section: net\n", "Priority: optional\n",
		"Maintainer: Some Body <body@example.org>\n", "Description: lock daemon, and tools for it\n lockd gives clients ",
	} {
		if !strings.Contains("\n"+fields, "\n"+want) {
			t.Errorf("%q is not in\n%s", want, fields)
		}
	}
	if strings.Contains(fields, "Depends:") {
		t.Errorf("it depends on others:\n%s", fields)
	}
	if conffiles, _ := os.ReadFile(filepath.Join(control, "conffiles")); string(conffiles) != "/etc/lockd/lockd.conf\n" {
		t.Errorf("what the administrator changes is %q", conffiles)
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		path := filepath.Join(control, script)
		if text, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, text)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", script, info.Mode(), err)
		}
	}
}

// checkPrograms runs what is in the archive.
func checkPrograms(t *testing.T, root string) {
	bin := filepath.Join(root, "usr/bin")
	for _, p := range programs {
		f, err := elf.Open(filepath.Join(bin, p.name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range f.Progs {
			if part.Type == elf.PT_INTERP {
				t.Errorf("%s is not static", p.name)
			}
		}
		f.Close()
		if out, err := exec.Command(filepath.Join(bin, p.name), "-version").Output(); err != nil || string(out) != p.name+" 1.2.3-rc1 "+runtime.Version()+"\n" {
			t.Errorf("%s -version prints %q, %v", p.name, out, err)
		}
		page := readCompressed(t, filepath.Join(root, "usr/share/man/man"+p.section, p.name+"."+p.section+".gz"))
		if want := ".TH " + strings.ToUpper(p.name) + " " + p.section + ` 2023-11-14 "` + p.name + ` 1.2.3\-rc1"`; !strings.HasPrefix(page, want) {
			t.Errorf("the page of %s begins with %.80q", p.name, page)
		}
	}
	changes := readCompressed(t, filepath.Join(root, "usr/share/doc/lockd/changelog.gz"))
	if !strings.HasPrefix(changes, "lockd (1.2.3~rc1) unstable;") || !strings.HasSuffix(changes, "\n -- Some Body <body@example.org>  Tue, 14 Nov 2023 22:13:20 +0000\n") {
		t.Errorf("Debian's changelog is\n%s", changes)
	}

	daemon := exec.Command(filepath.Join(bin, "lockd"), "-config", filepath.Join(root, "etc/lockd/lockd.conf"), "-port", "-1", "-ws", "0")
	stderr, err := daemon.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { daemon.Process.Kill() })
	defer kill.Stop()
	defer daemon.Process.Kill()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	m := regexp.MustCompile(`tcp=(\S+)`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("it logged %q, %v", line, err)
	}
	go io.Copy(io.Discard, stderr)
	for args, want := range map[string]string{
		"version":              `(?m)^server +1\.2\.3-rc1$`,
		"run job -- echo done": `^done\n$`,
	} {
		c := exec.Command(filepath.Join(bin, "lockctl"), strings.Fields(args)...)
		c.Env = append(os.Environ(), "LOCKD_ADDR="+m[1])
		if out, err := c.CombinedOutput(); err != nil || !regexp.MustCompile(want).Match(out) {
			t.Errorf("lockctl %s prints %q, %v", args, out, err)
		}
	}
	daemon.Process.Signal(syscall.SIGTERM)
	if err := daemon.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func readCompressed(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMistakes checks what is refused before anything is built.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ version, arch, epoch, want string }{
		{"", "amd64", "1", `-version "": want one such as 1.2.3 or 1.2.3-rc1`},
		{"1.2", "amd64", "1", `-version "1.2": want one`},
		{"1.2.3", "z80", "1", `-arch "z80": want one of amd64, arm64, riscv64`},
		{"1.2.3", "amd64", "today", `SOURCE_DATE_EPOCH "today": want a number of seconds`},
	} {
		t.Setenv("SOURCE_DATE_EPOCH", c.epoch)
		out := filepath.Join(t.TempDir(), "out")
		if _, err := run(c.version, c.arch, "", out); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
		if _, err := os.Lstat(out); err == nil {
			t.Errorf("%+v: it has written something", c)
		}
	}
}
