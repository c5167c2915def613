package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/remint/remint/remediate/launch"
)

// childExit carries the exit status of the program that was run.
type childExit struct{ code int }

// Error implements error.
func (e *childExit) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func newRun() *cobra.Command {
	var f keepFlags
	var env, files, templates []string
	var plan launch.Plan
	c := &cobra.Command{
		Use:   "run [flags] -- PROGRAM [ARGUMENT...]",
		Short: "Start a program with its secrets",
		Long: `Start a program that gets its secrets from the vault: what .remint.yaml maps under
"inject", and what the flags add. An entry may name its version: payments/stripe@3.

Values are handed over as environment variables, or as files in memory whose path a
variable holds. With --sdk the program may ask for entries by itself (package
inject). What remint itself needs (REMINT_PIN, REMINT_PASSPHRASE) is not passed on.

The exit status is the program's. Without --mask, --sdk, files or --on-rotate the
program takes remint's place, and remint is gone.`,
		Example: `  remint run --env STRIPE_KEY=payments/stripe -- ./app
  remint run --file GOOGLE_APPLICATION_CREDENTIALS=gcp/deploy -- terraform plan
  remint run --template CONFIG=app.yaml.tmpl -- ./app     # {{ secret "payments/stripe" }}
  remint run --mask -- make deploy
  remint run --on-rotate=restart -- ./server`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name the program to run: remint run -- PROGRAM")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o, conf, err := f.open(c.Context())
			if err != nil {
				return err
			}
			defer o.Close()
			plan.Args, plan.Stdin, plan.Stdout, plan.Stderr = args, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
			plan.Mask, plan.SDK = plan.Mask || conf.Inject.Mask, plan.SDK || conf.Inject.SDK
			plan.OnRotate = cmp.Or(plan.OnRotate, conf.Inject.OnRotate)
			for _, m := range []struct {
				to    *map[string]string
				conf  map[string]string
				flags []string
			}{{&plan.Env, conf.Inject.Env, env}, {&plan.Files, conf.Inject.Files, files}, {&plan.Templates, nil, templates}} {
				if *m.to, err = mapped(m.conf, m.flags); err != nil {
					return err
				}
			}
			return ended(plan.Run(c.Context(), o))
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.SetInterspersed(false)
	fl.StringArrayVar(&env, "env", nil, "NAME=ENTRY: hand an entry over as a variable (may be repeated)")
	fl.StringArrayVar(&files, "file", nil, "NAME=ENTRY: hand it over as a file in memory, whose path is in the variable (may be repeated)")
	fl.StringArrayVar(&templates, "template", nil, "NAME=FILE: make a file of a template, whose path is in the variable (may be repeated)")
	fl.BoolVar(&plan.Mask, "mask", false, "mask the values in what the program prints")
	fl.BoolVar(&plan.SDK, "sdk", false, "serve the vault to the program, for package inject")
	fl.StringVar(&plan.OnRotate, "on-rotate", "", "when an entry has a new version: restart, file or signal=NAME, such as signal=HUP")
	fl.DurationVar(&plan.Interval, "watch", 10*time.Second, "how often --on-rotate looks")
	return c
}

// ended makes a program's exit status this one's.
func ended(status int, err error) error {
	if err == nil && status != 0 {
		return &childExit{status}
	}
	return err
}

// mapped puts NAME=VALUE flags over what the configuration maps.
func mapped(conf map[string]string, flags []string) (map[string]string, error) {
	out := make(map[string]string)
	maps.Copy(out, conf)
	for _, flag := range flags {
		name, value, ok := strings.Cut(flag, "=")
		if !ok || name == "" || value == "" || strings.ContainsAny(name, "/\\ ") {
			return nil, fmt.Errorf("%q: want NAME=ENTRY, such as STRIPE_KEY=payments/stripe", flag)
		}
		out[name] = value
	}
	return out, nil
}
