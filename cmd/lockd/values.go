package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// The values of flags. Each refuses values with which no server can run, so that the
// error can name the place where it was given.

// boolFlag is a switch.
type boolFlag bool

func (f *boolFlag) String() string { return strconv.FormatBool(bool(*f)) }

// IsBoolFlag lets the flag be given without a value.
func (f *boolFlag) IsBoolFlag() bool { return true }

func (f *boolFlag) Set(text string) error {
	value, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("want true or false")
	}
	*f = boolFlag(value)
	return nil
}

// numberFlag is a whole number within bounds.
type numberFlag struct {
	value    *int
	min, max int
}

func (f *numberFlag) String() string {
	if f.value == nil {
		return "0"
	}
	return strconv.Itoa(*f.value)
}

func (f *numberFlag) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil || value < f.min || value > f.max {
		return fmt.Errorf("want a number from %d to %d", f.min, f.max)
	}
	*f.value = value
	return nil
}

// portFlag is a port, 0 for none, or -1 for any.
type portFlag int

func (f *portFlag) String() string { return strconv.Itoa(int(*f)) }

func (f *portFlag) Set(text string) error {
	port, err := strconv.Atoi(text)
	if err != nil || port < anyPort || port > 65535 {
		return errors.New("want a port from 1 to 65535, 0 for none, -1 for any free one")
	}
	*f = portFlag(port)
	return nil
}

// durationFlag is a duration within bounds, or 0.
type durationFlag struct {
	value *time.Duration
	least time.Duration // the shortest, besides 0
	most  time.Duration
}

func (f *durationFlag) String() string {
	if f.value == nil {
		return "0s"
	}
	return f.value.String()
}

func (f *durationFlag) Set(text string) error {
	value, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return errors.New("want a time such as 30s, 5m or 1h, or 0")
	case value < 0:
		return errors.New("want a time that is not negative")
	case value > 0 && value < f.least:
		return fmt.Errorf("want %v or more, or 0 for never", f.least)
	case value > f.most:
		return fmt.Errorf("want %v or less, or 0 for never", f.most)
	}
	*f.value = value
	return nil
}

// modeFlag is the permissions of a file, in octal.
type modeFlag fs.FileMode

func (f *modeFlag) String() string { return fmt.Sprintf("%04o", uint32(*f)) }

func (f *modeFlag) Set(text string) error {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > 0o777 {
		return errors.New("want octal permissions from 0000 to 0777")
	}
	*f = modeFlag(mode)
	return nil
}

// choiceFlag is one of some words.
type choiceFlag struct {
	value *string
	words []string
}

func (f *choiceFlag) String() string {
	if f.value == nil {
		return ""
	}
	return *f.value
}

func (f *choiceFlag) Set(text string) error {
	for _, word := range f.words {
		if text == word {
			*f.value = text
			return nil
		}
	}
	return fmt.Errorf("want %s", strings.Join(f.words, " or "))
}

// listFlag is a list of values, which may be repeated and separated by commas. The first
// value replaces the default.
type listFlag struct {
	items *[]string
	check func(string) error
	empty bool // an empty value is an item
	given bool
}

func (f *listFlag) String() string {
	if f.items == nil {
		return ""
	}
	return strings.Join(*f.items, ",")
}

func (f *listFlag) Set(text string) error {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" && (text != "" || !f.empty) {
			continue
		}
		if err := f.check(item); err != nil {
			return err
		}
		items = append(items, item)
	}
	if len(items) == 0 && text != "" {
		return errors.New("there is nothing between the commas")
	}
	if !f.given {
		f.given, *f.items = true, nil
	}
	*f.items = append(*f.items, items...)
	return nil
}
