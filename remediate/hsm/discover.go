package hsm

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// usualModules are where packages put PKCS#11 libraries, the ones of hardware
// first. A "*" stands for the architecture's folder.
var usualModules = []string{
	"/usr/lib/*/libykcs11.so*", "/usr/local/lib/libykcs11.so*", "/usr/lib/*/pkcs11/yubihsm_pkcs11.so", "/usr/lib/yubihsm_pkcs11.so",
	"/opt/cloudhsm/lib/libcloudhsm_pkcs11.so", "/opt/nfast/toolkits/pkcs11/libcknfast.so", "/usr/safenet/lunaclient/lib/libCryptoki2_64.so",
	"/usr/lib/*/pkcs11/libtpm2_pkcs11.so", "/usr/lib/*/libtpm2_pkcs11.so*", "/usr/lib*/pkcs11/libtpm2_pkcs11.so",
	"/usr/lib/*/pkcs11/opensc-pkcs11.so", "/usr/lib*/opensc-pkcs11.so", "/usr/local/lib/opensc-pkcs11.so",
	"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib*/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/libykcs11.dylib", "/opt/homebrew/lib/opensc-pkcs11.so",
}

// p11kitFolders hold p11-kit's module files (pkcs11.conf(5)).
var p11kitFolders = []string{"/etc/pkcs11/modules", "/usr/share/p11-kit/modules", "/usr/lib/*/p11-kit/modules", "/opt/homebrew/share/p11-kit/modules"}

// Modules are the PKCS#11 libraries of this machine: that of
// REMINT_PKCS11_MODULE alone where it is set, else those that p11-kit knows and
// those in the usual places. p11-kit's store of certificates is left out.
func Modules() []string {
	if path := os.Getenv("REMINT_PKCS11_MODULE"); path != "" {
		return []string{path}
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	var all []string
	seen := make(map[string]bool)
	add := func(path string) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil || seen[real] || strings.Contains(filepath.Base(path), "p11-kit") || strings.Contains(path, "onepin") || strings.Contains(path, "spy") {
			return
		}
		seen[real] = true
		if strings.Contains(filepath.Base(path), "tpm2_pkcs11") && !hasTPM() {
			return // without a TPM it only complains, on standard error
		}
		all = append(all, path)
	}
	for _, pattern := range usualModules {
		for _, path := range glob(pattern) {
			add(path)
		}
	}
	for _, folder := range p11kitFolders {
		for _, file := range glob(filepath.Join(folder, "*.module")) {
			for _, path := range moduleOf(file) {
				add(path)
			}
		}
	}
	return all
}

// hasTPM tells whether there is a TPM, or the module was told of another.
func hasTPM() bool {
	if os.Getenv("TPM2_PKCS11_TCTI") != "" || os.Getenv("TPM2TOOLS_TCTI") != "" {
		return true
	}
	for _, device := range []string{"/dev/tpmrm0", "/dev/tpm0"} {
		if _, err := os.Stat(device); err == nil {
			return true
		}
	}
	return false
}

func glob(pattern string) []string {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil // the patterns are ours
	}
	slices.Sort(found)
	return found
}

// moduleOf reads the "module:" line of a p11-kit module file; a name without a
// folder is looked for in the usual one.
func moduleOf(file string) []string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if !ok || strings.TrimSpace(name) != "module" {
			continue
		}
		if path := strings.TrimSpace(value); filepath.IsAbs(path) {
			return []string{path}
		} else if path != "" {
			return append(glob("/usr/lib/*/pkcs11/"+path), glob("/usr/lib/*/"+path)...)
		}
	}
	return nil
}
