package fix

import "io/fs"

// keepOwner does nothing: a new file has its folder's rights.
func keepOwner(string, fs.FileInfo) {}
