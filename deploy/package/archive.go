package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"slices"
	"strings"
)

// sortFiles sorts files by path, so that the order says nothing about the run.
func sortFiles(files []file) {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
}

// writeArchive writes a tar.gz with all files, below one folder.
func (r release) writeArchive(path string, files []file) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		header := &tar.Header{
			Name: r.name() + "/" + f.path, Mode: f.mode, Size: int64(len(f.data)), ModTime: r.date,
			Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, compressed(b.Bytes(), gzip.DefaultCompression), 0o644)
}
