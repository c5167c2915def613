package longlived

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/remint/remint/analyzers/sinks"
)

//go:embed table.txt
var table string

// Row is a place that says when a credential ends: a field, or an argument.
type Row struct {
	// Package is an import path without its major version.
	Package string
	// Recv is the type of a field or method, Fields are fields of which one is
	// enough, Name is a function or method.
	Recv   string
	Fields []string
	Name   string
	Arg    int
	Unit   string
	// Longest is the longest time that is not reported.
	Longest time.Duration
	// Absence is "report", "given" or "-", Without what happens without the
	// field.
	Absence, Without string
}

// Symbol is the place as a person writes it.
func (r *Row) Symbol() string {
	name := r.Name + strings.Join(r.Fields, "|")
	if r.Recv != "" {
		name = r.Recv + "." + name
	}
	return name
}

// Rows are the table's.
func Rows() []Row { return rows() }

var rows = sync.OnceValue(func() []Row {
	var all []Row
	for _, line := range strings.Split(table, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := parseRow(line)
		if err != nil {
			panic(err) // the table is a part of the program, and a test reads it
		}
		all = append(all, r)
	}
	return all
})

func parseRow(line string) (Row, error) {
	f := strings.SplitN(line, " ", 6)
	if len(f) != 6 {
		return Row{}, fmt.Errorf("%q has %d columns, not 6", line, len(f))
	}
	days, err := strconv.Atoi(strings.TrimSuffix(f[3], "d"))
	if err != nil {
		return Row{}, fmt.Errorf("%q: %w", line, err)
	}
	r := Row{Package: f[0], Unit: f[2], Longest: time.Duration(days) * day, Absence: f[4], Without: f[5]}
	recv, name, dotted := strings.Cut(f[1], ".")
	if !dotted {
		recv, name = "", f[1]
	}
	r.Recv = recv
	if fn, arg, ok := strings.Cut(strings.TrimSuffix(name, ")"), "("); ok {
		r.Name = fn
		r.Arg, err = strconv.Atoi(arg)
		return r, err
	}
	r.Fields = strings.Split(name, "|")
	return r, nil
}

const day = 24 * time.Hour

// rowsOf returns the rows of a package by its import path, of whatever major
// version.
func rowsOf(path string) []Row {
	var of []Row
	plain := sinks.Unversioned(path)
	for _, r := range rows() {
		if r.Package == path || r.Package == plain {
			of = append(of, r)
		}
	}
	return of
}
