// Package agenda keeps appointments.
package agenda

import (
	"context"

	"google.golang.org/api/calendar/v3"
)

// Agenda is a calendar.
type Agenda struct {
	svc *calendar.Service
	id  string
}

// New opens one.
func New(ctx context.Context, id string) (*Agenda, error) {
	svc, err := calendar.NewService(ctx)
	return &Agenda{svc, id}, err
}

// Today lists events.
func (a *Agenda) Today(ctx context.Context) ([]*calendar.Event, error) {
	list, err := a.svc.Events.List(a.id).SingleEvents(true).Context(ctx).Do()
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Wipe is called by nobody.
func (a *Agenda) Wipe() error { return a.svc.Calendars.Clear(a.id).Do() }
