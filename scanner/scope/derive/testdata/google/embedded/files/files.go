// Package files is a service with more methods.
package files

import (
	"strings"

	"google.golang.org/api/drive/v3"
)

// Files has all that the service has.
type Files struct{ *drive.Service }

// Write makes a file.
func (f Files) Write(name, text string) (*drive.File, error) {
	return f.Service.Files.Create(&drive.File{Name: name}).Media(strings.NewReader(text)).Do()
}

// Find looks a file up.
func (f Files) Find(query string) (*drive.FileList, error) {
	return f.Service.Files.List().Q(query).Do()
}

// Purge is called by nobody.
func (f Files) Purge() error { return f.Service.Files.EmptyTrash().Do() }
