// Package sheet fills a table.
package sheet

import (
	"context"

	"google.golang.org/api/option"
	"google.golang.org/api/sheets/v4"
)

// Table is a range of a sheet.
type Table struct {
	values *sheets.SpreadsheetsValuesService
	id, at string
}

// Open opens one.
func Open(ctx context.Context, id, at string, opts ...option.ClientOption) (*Table, error) {
	svc, err := sheets.NewService(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return &Table{sheets.NewSpreadsheetsValuesService(svc), id, at}, nil
}

// Rows reads it.
func (t *Table) Rows() ([][]any, error) {
	out, err := t.values.Get(t.id, t.at).ValueRenderOption("UNFORMATTED_VALUE").Do()
	if err != nil {
		return nil, err
	}
	return out.Values, nil
}

// Set replaces it, and is called by nobody.
func (t *Table) Set(rows [][]any) error {
	_, err := t.values.Update(t.id, t.at, &sheets.ValueRange{Values: rows}).ValueInputOption("RAW").Do()
	return err
}
