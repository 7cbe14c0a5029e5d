// Package city embeds the demo city Port Lumen, so that a program runs without a folder beside it.
//
// The rule: only files. Who reads them is decided by the programs.
package city

import (
	"embed"
	"io/fs"
)

//go:embed services answers past.yaml
var files embed.FS

// Services is the directory of service files.
func Services() fs.FS {
	sub, err := fs.Sub(files, "services")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Answers is the answers directory.
func Answers() fs.FS {
	sub, err := fs.Sub(files, "answers")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// PastFile is the file of Past.
const PastFile = "configs/city/past.yaml"

// Past tells who lives in the demo city and what they filed in the year before.
func Past() []byte {
	b, err := files.ReadFile("past.yaml")
	if err != nil {
		panic(err) // it is embedded above
	}
	return b
}
