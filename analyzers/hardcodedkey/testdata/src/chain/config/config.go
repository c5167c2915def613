package config

const SigningKey = "eightlet"

var Password = "hunter" + "2x" // want Password:"hardcoded"

func Token() string { // want Token:"hardcoded"
	return "k9Xw2q8Z"
}

func Name() string { return "a name" }
