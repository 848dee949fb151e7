package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// maxConfig is the maximum size of the config file in bytes.
	maxConfig = 1 << 20
	// maxError is the maximum length of an error about options in bytes: errors
	// repeat values, which may be long.
	maxError = 300
	// maxShown is how many bytes of a value errors repeat.
	maxShown = 80
	// configTimeout is how long reading a config file that is a pipe may take.
	configTimeout = 5 * time.Second
)

// parseOptions parses the command line, the environment, as os.Environ returns it, and
// the config file. Its errors are one line.
func parseOptions(args, environ []string) (*options, error) {
	o := new(options)
	err := o.parse(args, environ)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		err = errors.New(oneLine(err.Error()))
	}
	return o, err
}

func (o *options) parse(args, environ []string) error {
	fs := flagSet(o)
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", shortened(fs.Arg(0)))
		if _, notBool := strconv.ParseBool(fs.Arg(0)); notBool == nil {
			err = fmt.Errorf("%w: the value of a switch follows a =, as in -registry=%s", err, fs.Arg(0))
		}
		return err
	}
	if o.version {
		return nil
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := o.readEnvironment(fs, environ, given); err != nil {
		return err
	}
	if given["config"] {
		if err := readFile(fs, o.config, given); err != nil {
			return err
		}
	}
	o.passed = slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "LISTEN_FDS=") })
	return o.settle(given)
}

// commandLineOnly are the flags that can be given only on the command line.
var commandLineOnly = map[string]bool{"config": true, "check": true, "version": true}

// set sets a flag that was not given on the command line.
func set(fs *flag.FlagSet, name, value string) error {
	if err := fs.Set(name, value); err != nil {
		return fmt.Errorf("invalid value %q for flag -%s: %w", shortened(value), name, err)
	}
	return nil
}

const envPrefix = "LOCKD_"

var (
	// serviceVariable matches the variables that Kubernetes sets for a service
	// called lockd, except LOCKD_PORT.
	serviceVariable = regexp.MustCompile(`^LOCKD_(SERVICE_(HOST|PORT(_.*)?)|PORT_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)$`)
	// otherVariable matches those of lockctl and of the image.
	otherVariable = regexp.MustCompile(`^LOCKD_(ADDR|CLIENT_CERT|CLIENT_KEY|LOCK|TLS_CA|TLS_NAME|TOKEN|VERSION)$`)
	// serviceURL matches the value that Kubernetes sets LOCKD_PORT to.
	serviceURL = regexp.MustCompile(`^[a-z]+://`)
)

// readEnvironment sets the flags that are not given yet.
func (o *options) readEnvironment(fs *flag.FlagSet, environ []string, given map[string]bool) error {
	scratch := flagSet(new(options))
	here := make(map[string]string)
	for _, variable := range environ {
		key, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(key, envPrefix) && !serviceVariable.MatchString(key) && !otherVariable.MatchString(key) {
			here[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(here)) {
		value := here[key]
		name := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, envPrefix)), "_", "-")
		switch {
		case commandLineOnly[name]:
			o.warn("%s in the environment is not used: give -%s", key, name)
		case fs.Lookup(name) == nil || key != strings.ToUpper(key):
			o.warn("%s in the environment is not used: there is no such flag", key)
		case given[name]:
			if err := set(scratch, name, value); err != nil && !serviceURL.MatchString(value) {
				o.warn("%s in the environment is not used, and would not work: %v", key, err)
			}
		case (name == "port" || name == "ws") && serviceURL.MatchString(value):
			return fmt.Errorf("%s=%q is not a port, but a value that Kubernetes sets for a service called lockd: give -%s on the command line, or enableServiceLinks: false in the pod", key, shortened(value), name)
		default:
			if err := set(fs, name, value); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			given[name] = true
		}
	}
	return nil
}

func (o *options) warn(format string, args ...any) {
	o.warnings = append(o.warnings, oneLine(fmt.Sprintf(format, args...)))
}

// readFile sets the flags that are not given yet. A mistake is an error even if the flag
// is given elsewhere.
func readFile(fs *flag.FlagSet, path string, given map[string]bool) error {
	text, err := readInTime(path)
	if err != nil {
		return fmt.Errorf("cannot read the config file: %w", err)
	}
	scratch := flagSet(new(options))
	lines := make(map[string]int) // the line of each flag
	number := 0
	for line := range strings.Lines(text) {
		number++
		name, value, err := splitLine(line)
		switch {
		case err != nil || name == "":
		case scratch.Lookup(name) == nil:
			err = noSuchFlag(name)
		case commandLineOnly[name]:
			err = fmt.Errorf("-%s can be given on the command line only", name)
		case lines[name] > 0 && !isList(scratch, name):
			err = fmt.Errorf("-%s is already given in line %d", name, lines[name])
		case given[name] && lines[name] == 0:
			err = setLine(scratch, name, value)
		default:
			err = setLine(fs, name, value)
			lines[name], given[name] = number, true
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	return nil
}

// readInTime reads a config file, which may be a pipe without a writer.
func readInTime(path string) (string, error) {
	if path == "" {
		return "", errors.New("-config names no file")
	}
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := readLimited(path)
		read <- result{text, err}
	}()
	select {
	case r := <-read:
		return r.text, r.err
	case <-time.After(configTimeout):
		return "", fmt.Errorf("%s is a pipe that did not end within %v", path, configTimeout)
	}
}

// readLimited reads a file of at most maxConfig bytes.
func readLimited(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(text) > maxConfig {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxConfig)
	}
	return string(bytes.TrimPrefix(text, []byte("\ufeff"))), err
}

// value is the value of a flag in a line of the config file, nil if there is none.
type value *string

// splitLine splits a line of the config file: a flag, a value that may be quoted, and a
// comment.
func splitLine(line string) (name string, v value, err error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", nil, nil
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		return line, nil, nil
	}
	name, rest := line[:end], strings.TrimSpace(line[end:])
	if rest[0] == '\'' || rest[0] == '"' {
		inside, after, closed := strings.Cut(rest[1:], rest[:1])
		after = strings.TrimSpace(after)
		if !closed || after != "" && after[0] != '#' {
			return "", nil, fmt.Errorf("invalid value %s for flag -%s: the quotes are not closed at its end", shortened(rest), name)
		}
		return name, &inside, nil
	}
	for i := range rest {
		if rest[i] == '#' && (i == 0 || unicode.IsSpace(rune(rest[i-1]))) {
			rest = strings.TrimSpace(rest[:i])
			break
		}
	}
	if rest == "" {
		return name, nil, nil
	}
	return name, &rest, nil
}

// setLine sets a flag to the value in a line.
func setLine(fs *flag.FlagSet, name string, v value) error {
	if v != nil {
		return set(fs, name, *v)
	}
	if b, ok := fs.Lookup(name).Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return set(fs, name, "true")
	}
	return fmt.Errorf("-%s needs a value; write '' for an empty one", name)
}

func isList(fs *flag.FlagSet, name string) bool {
	_, ok := fs.Lookup(name).Value.(*listFlag)
	return ok
}

func noSuchFlag(name string) error {
	bare := strings.TrimLeft(name, "-")
	bare, _, _ = strings.Cut(bare, "=")
	if bare != name && flagSet(new(options)).Lookup(bare) != nil {
		return fmt.Errorf("there is no flag %q: write %s, a space and its value", shortened(name), bare)
	}
	return fmt.Errorf("there is no flag %q", shortened(name))
}

// shortened returns text as errors repeat it.
func shortened(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "..."
}

// oneLine makes text a printable line of bounded length.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "..."
	}
	return text
}
