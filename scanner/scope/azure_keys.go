package scope

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remint/remint/scanner/rule"
	"github.com/remint/remint/scanner/scope/document"
)

var (
	// farDate is a date that is years away.
	farDate = regexp.MustCompile(`^(20[3-9]\d|2[1-9]\d\d|[3-9]\d\d\d)-`)
	hours   = regexp.MustCompile(`^(\d{1,9})h`)
)

// lastsYears tells that a credential lasts for a year or longer: by its dates,
// or where its start is not known by an end that is far away.
func lastsYears(start, end *document.Node) bool {
	if m := hours.FindStringSubmatch(end.Str()); m != nil {
		h, err := strconv.Atoi(m[1])
		return err == nil && h >= 365*24
	}
	from, unread := day(start)
	to, wrong := day(end)
	if unread != nil || wrong != nil {
		return farDate.MatchString(end.Str())
	}
	return to.Sub(from) >= 365*24*time.Hour
}

func day(n *document.Node) (time.Time, error) {
	date, _, _ := strings.Cut(n.Str(), "T")
	return time.Parse(time.DateOnly, date)
}

const withoutSecret = `azuread_application_federated_identity_credential, or end_date_relative = "2160h" with rotation`

// readPassword reports a client secret that lasts for a year or longer, or for
// Azure's two years where no end is given.
func readPassword(f *File, subject string, at, body *document.Node) {
	end := body.Get("end_date_relative")
	if end == nil {
		end = body.Get("end_date")
	}
	switch {
	case (end == nil || end.Kind == document.Null) && body.Key("rotate_when_changed") == nil:
		f.Report(at, Problem{Rule: azurePassword, Subject: subject, Why: "makes a client secret that lasts two years", Narrower: withoutSecret})
	case end != nil && lastsYears(body.Get("start_date"), end):
		f.Report(end, Problem{Rule: azurePassword, Severity: rule.High, Subject: subject, Why: "makes a client secret that lasts for a year or longer", Narrower: withoutSecret})
	}
}

// readKeyVault reports permissions to purge with those to read: everything.
func readKeyVault(f *File, subject string, body *document.Node) {
	for _, key := range []string{"key_permissions", "secret_permissions", "certificate_permissions", "storage_permissions", "keys", "secrets", "certificates", "storage"} {
		list := fold(body, key)
		for _, p := range list.Strings() {
			if strings.EqualFold(p.Text, "all") || strings.EqualFold(p.Text, "purge") && slices.ContainsFunc(list.Texts(), func(t string) bool { return strings.EqualFold(t, "get") }) {
				f.Report(p, Problem{Rule: azureVault, Subject: subject, Value: key + " " + p.Text, Why: "reads, changes and deletes for good what the vault holds", Narrower: `["Get"], or a role on the one secret`})
				break
			}
		}
	}
}

const narrowSignature = "a signature for one container, to read, for hours"

// readSAS reports a signature for every service that may write and delete, and
// one that lasts.
func readSAS(f *File, b *document.Block) {
	services, permissions := b.Body.Get("services"), b.Body.Get("permissions")
	all := 0
	for _, s := range []string{"blob", "queue", "table", "file"} {
		if isTrue(services.Get(s)) {
			all++
		}
	}
	if all == 4 && isTrue(permissions.Get("delete")) && isTrue(permissions.Get("write")) {
		f.Report(b.Labels[0], Problem{Rule: azureSAS, Subject: b.Name(), Why: "reads, writes and deletes in every service of the account", Narrower: "azurerm_storage_account_blob_container_sas, to read"})
	}
	reportExpiry(f, b.Name(), b.Body.Get("start"), b.Body.Get("expiry"))
}

func reportExpiry(f *File, subject string, start, end *document.Node) {
	if end != nil && lastsYears(start, end) {
		f.Report(end, Problem{Rule: azureSAS, Severity: rule.Medium, Subject: subject, Why: "lets in for a year or longer whoever reads the address", Narrower: narrowSignature})
	}
}

// readSignatures reports signatures that a template makes.
func readSignatures(f *File, d *document.Node) {
	d.Walk(func(n *document.Node) bool {
		permission := fold(n, "signedPermission")
		if permission == nil {
			return true
		}
		services, subject := fold(n, "signedServices").Str(), "signature"
		if len(services) == 4 && strings.ContainsAny(permission.Str(), "w") && strings.ContainsAny(permission.Str(), "d") {
			f.Report(permission, Problem{Rule: azureSAS, Subject: subject, Why: "reads, writes and deletes in every service of the account", Narrower: narrowSignature})
		}
		reportExpiry(f, subject, fold(n, "signedStart"), fold(n, "signedExpiry"))
		return true
	})
}

// reportOpenAccount reports a storage account whose containers may be opened.
func reportOpenAccount(f *File, subject, key string, at *document.Node, narrower string) {
	f.Report(at, Problem{Rule: azurePublic, Subject: subject, Value: key, Why: "lets containers be opened to everyone on the internet", Narrower: narrower})
}

func readContainerAccess(f *File, subject string, access *document.Node) {
	switch strings.ToLower(access.Str()) {
	case "container":
		f.Report(access, Problem{Rule: azurePublic, Severity: rule.High, Subject: subject, Why: "lets everyone on the internet list and read the container", Narrower: "private"})
	case "blob":
		f.Report(access, Problem{Rule: azurePublic, Subject: subject, Why: "lets everyone on the internet who knows a name read the blob", Narrower: "private"})
	}
}
