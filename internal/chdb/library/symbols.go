package library

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
)

// exports says why an ELF file does not export a symbol. It reads the table of
// names only: libchdb is half a gigabyte, and loading one that turns out to be
// too old would leave it in the process. Files of other formats pass, and are
// judged when they are loaded.
func exports(path, symbol string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil {
		return errors.New("it is not a shared library")
	}
	if string(magic) != elf.ELFMAG {
		if bytes.HasPrefix(magic, []byte("#!")) {
			return errors.New("it is a script, not a shared library")
		}
		return nil
	}
	lib, err := elf.NewFile(f)
	if err != nil {
		return fmt.Errorf("it is not a shared library: %w", err)
	}
	names := lib.Section(".dynstr")
	if names == nil {
		return errors.New("it exports nothing; is it a shared library?")
	}
	text, err := names.Data()
	if err != nil {
		return fmt.Errorf("read its exported names: %w", err)
	}
	if !bytes.Contains(text, []byte("\x00"+symbol+"\x00")) {
		return errors.New("it is older than 26.7, or not libchdb: it has no " + symbol)
	}
	return nil
}
