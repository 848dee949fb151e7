package web_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lockd/server/web"
)

var shots = flag.String("shots", "", "write screenshots of the status page to this folder")

// browser is a tab of a browser, and what pages in it complained about.
type browser struct {
	t          *testing.T
	ctx        context.Context
	mu         sync.Mutex
	complaints []string
}

func browse(t *testing.T) *browser {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: there is no chromium")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1200, 900), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
	}
	if os.Geteuid() == 0 { // the sandbox refuses root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { chromedp.WaitClosed(ctx) })
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	b.do(chromedp.Navigate("about:blank"))
	go func() {
		for message, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.complaints = append(b.complaints, message.String())
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// evaluate returns the value of a JavaScript expression, as text.
func (b *browser) evaluate(expression string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// until waits until a JavaScript expression is true, perhaps on the next page.
func (b *browser) until(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		switch {
		case err == nil && is:
			return
		case time.Now().After(deadline):
			b.t.Fatalf("%s: %v; the page says: %s", expression, err, b.evaluate("document.body.innerText"))
		}
	}
}

// says waits until the page shows some text.
func (b *browser) says(part string) {
	b.t.Helper()
	b.until("document.body.innerText.includes(" + strconv.Quote(part) + ")")
}

// call calls a method of the browser's protocol.
func (b *browser) call(method string, parameters map[string]any) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return t.Call(ctx, method, parameters, nil) }))
}

// shoot writes a screenshot, if they are wanted.
func (b *browser) shoot(name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if *shots != "" {
		if err := os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestBrowser looks at the page as a person does: a lock appears when it is got, and goes
// when its holder ends.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := browse(t)
	s := start(t, all(), web.Options{Version: "1.2.3"})
	visit := func(query string) {
		t.Helper()
		b.do(chromedp.Navigate(s.url + "/" + query))
		b.says("Live.")
	}
	visit("")
	b.says("No lock is held.")
	b.shoot("empty")

	h := s.dial()
	h.ask("iam me-at-netcat", "g demo")
	s.wait(s.dial(), "g demo", 1)
	b.says("me-at-netcat")
	b.says("demo: 1 waiting")
	b.shoot("one")
	h.Close()
	b.until("!document.body.innerText.includes('me-at-netcat')")
	b.says("1 and 0 orphaned")

	for name := range hostile {
		s.dial().ask("iam <img src=x onerror=document.title=1>", "g "+name)
	}
	visit("?sort=name")
	b.says("<script>document.title")
	if title := b.evaluate("document.title"); title != "lockd" {
		t.Errorf("the title is %q: a name was executed", title)
	}
	if n := b.evaluate(`document.querySelectorAll("main img, main script, main b[onclick]").length`); n != "0" {
		t.Errorf("%s elements are made of names", n)
	}
	fits := "document.documentElement.scrollWidth <= innerWidth"
	if b.evaluate(fits) != "true" {
		t.Error("the page is wider than the window")
	}
	b.shoot("hostile")

	b.do(chromedp.SetValue(chromedp.CSS("input[type=search]"), "worker"), chromedp.Submit(chromedp.CSS("form")))
	b.says("Nothing matches.")
	b.do(chromedp.Click(chromedp.Search("//a[text()='Connections']")))
	b.says("connections match")

	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile))
	visit("?sort=name")
	if b.evaluate(fits) != "true" {
		t.Error("the page is wider than a phone")
	}
	b.shoot("phone")
	b.do(chromedp.EmulateReset())

	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}})
	visit("")
	if paper := b.evaluate("getComputedStyle(document.body).backgroundColor"); paper != "rgb(20, 24, 29)" {
		t.Errorf("the background in dark mode is %s", paper)
	}
	b.shoot("dark")

	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
	b.do(chromedp.Navigate(s.url + "/"))
	plain, err := chromedp.Run(b.ctx, chromedp.TextContent(chromedp.CSS("body")))
	if err != nil || !strings.Contains(plain, "As of ") || !strings.Contains(plain, "demo") {
		t.Errorf("without scripts the page says: %s, %v", plain, err)
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false})
	visit("")
	b.mu.Lock()
	if len(b.complaints) > 0 {
		t.Errorf("pages complained: %q", b.complaints)
	}
	b.mu.Unlock()
	s.server.Close()
	b.says("the connection to the server is lost")
	b.shoot("lost")
}
