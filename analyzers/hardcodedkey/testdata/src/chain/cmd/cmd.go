package cmd

import (
	"chain/client"
	"chain/config"
	"os"
)

func run() {
	client.Mail("me", "written here") // want `password \*{8} reaches net/smtp.PlainAuth by way of Mail`
	client.Mail("me", os.Getenv("P"))
	client.Mail("me", config.Name())
}
