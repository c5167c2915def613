package oauth

import (
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/github"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"
)

const everything = "https://www.googleapis.com/auth/cloud-platform"

var (
	mail = []string{"https://mail.google.com/"} // want `OAuth scope "https://mail.google.com/" is broad: it reads, sends and deletes .*narrower: https://www.googleapis.com/auth/gmail.readonly, .* \(CWE-250\)`
	fine = []string{"https://www.googleapis.com/auth/drive.file"}
)

func bad(more []string) {
	option.WithScopes(drive.DriveScope, drive.DriveFileScope) // want `auth/drive" is broad`
	option.WithScopes(everything)                             // want `cloud-platform" is broad`
	option.WithScopes(mail...)
	_ = oauth2.Config{Endpoint: github.Endpoint, Scopes: []string{"repo", "read:org"}}                                       // want `OAuth scope "repo" is broad: .*narrower: public_repo`
	_ = oauth2.Config{Endpoint: github.Endpoint, Scopes: strings.Fields("read:org admin:org")}                               // want `"admin:org" is broad`
	c := oauth2.Config{Endpoint: oauth2.Endpoint{TokenURL: "https://slack.com/api/oauth.access"}, Scopes: []string{"admin"}} // want `"admin" is broad`
	c.Scopes = append(c.Scopes, "user")                                                                                      // want `"user" is broad`
	_ = oauth2.Config{Scopes: []string{"https://graph.microsoft.com/Mail.ReadWrite"}}                                        // want `narrower: Mail.ReadBasic, Mail.Read`
	option.WithScopes(scopes()...)
}

func scopes() []string {
	return []string{"https://www.googleapis.com/auth/spreadsheets"} // want `spreadsheets" is broad`
}

func good(fromUser string) {
	option.WithScopes(drive.DriveFileScope, fromUser)
	option.WithScopes(fine...)
	_ = oauth2.Config{Endpoint: github.Endpoint, Scopes: []string{"read:user", "user:email", "public_repo"}}
	_ = []string{"https://www.googleapis.com/auth/drive"}
	_ = "repo"
}
