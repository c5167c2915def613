package named

import "fmt"

const (
	cred   = "KjasdlkjapoIKLlka98098sdf012U/rL2sLdBq"   // want `hardcoded Secret Kjas\*{8} \[generic-secret\]`
	bearer = "Bearer: 2lkjdfoiuwer092834kjdwf09"        // want `hardcoded`
	pwHint = "KjasdlkjapoIKLlka98098sdf012U/rL2sLdBqOH" // the name is about a hint
	pw     = "short"
)

func check(password, given string) bool {
	if password == "f62e5bcda4fae4f82370da0c6f20697b8f8447ef" { // want `hardcoded`
		return true
	}
	if "a62e5bcda4fae4f82370da0c6f20697b8f8447ef" != password { // want `hardcoded`
		return false
	}
	const token = "b62e5bcda4fae4f82370da0c6f20697b8f8447ef" // remint:allow made up
	fmt.Println(cred, bearer, pwHint, pw, token)
	return given == "f62e5bcda4fae4f82370da0c6f20697b8f8447ef" || password == "letmein"
}

type settings struct {
	Password     string `env:"DB_PASSWORD" envDefault:"hunter2x"` // want `hardcoded password \*{8} reaches the field Password by default`
	APIToken     string `default:"changeme"`                      // want `weak default`
	PasswordFile string `default:"/run/secrets/password"`
	TokenTTL     int    `default:"3600"`
	Secret       string `json:"secret" default:""`
	Name         string `default:"hunter2x"`
}

var _ settings
