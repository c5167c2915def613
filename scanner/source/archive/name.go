package archive

import (
	"strings"
	"unicode/utf8"
)

// maxName is how many bytes of a member's name are shown.
const maxName = 4 << 10

// cleanName makes a name slash-separated and relative, without "." and ".."
// parts, so that nobody who joins it to a folder leaves that folder. Bytes
// that are not UTF-8 stay as they are.
func cleanName(name string) string {
	if len(name) > maxName {
		name = name[:maxName] + "…"
	}
	if isClean(name) {
		return name
	}
	name = strings.ReplaceAll(name, "\x00", "�")
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	kept := parts[:0]
	for i, p := range parts {
		drive := i == 0 && len(p) == 2 && p[1] == ':'
		if p != "." && p != ".." && !drive {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return "(no name)"
	}
	return strings.Join(kept, "/")
}

// isClean tells the names that cleanName leaves alone without taking them
// apart.
func isClean(name string) bool {
	if name == "" || len(name) > 1 && name[1] == ':' {
		return false
	}
	part := 0 // where the part begins
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			if name[i] == '\\' || name[i] == 0 {
				return false
			}
			continue
		}
		switch name[part:i] {
		case "", ".", "..":
			return false
		}
		part = i + 1
	}
	return true
}

// upperCP437 are the characters 128 to 255 of the code page that zip names
// are in where they do not say that they are UTF-8.
const upperCP437 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0"

// zipName decodes a name. Many programs write UTF-8 without saying so; what is
// valid UTF-8 is taken for it.
func zipName(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	upper := []rune(upperCP437)
	var b strings.Builder
	for _, c := range raw {
		if c < 128 {
			b.WriteByte(c)
		} else {
			b.WriteRune(upper[c-128])
		}
	}
	return b.String()
}
