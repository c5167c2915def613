package minttest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// API is a stand-in for a provider's API, written from its documentation. Its
// handlers run one at a time.
type API struct {
	URL  string
	mux  *http.ServeMux
	mu   sync.Mutex
	lose bool
}

// NewAPI starts one, which ends with the test.
func NewAPI(t testing.TB) *API {
	t.Helper()
	a := &API{mux: http.NewServeMux()}
	s := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(s.Close)
	a.URL = s.URL
	return a
}

// Lose makes the answer to the next POST get lost after the handler acted.
func (a *API) Lose() {
	a.mu.Lock()
	a.lose = true
	a.mu.Unlock()
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lose && r.Method == http.MethodPost {
		a.lose = false
		a.mux.ServeHTTP(httptest.NewRecorder(), r)
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
		return
	}
	a.mux.ServeHTTP(w, r)
}

// Answer is what a handler answers: a status, and a body that is sent as JSON;
// nil for none.
type Answer struct {
	Status int
	Body   any
}

// On handles a pattern of http.ServeMux. in is the request's body, nil where it
// is no JSON object.
func (a *API) On(pattern string, handle func(r *http.Request, in map[string]any) Answer) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if body, err := io.ReadAll(r.Body); err == nil && len(body) > 0 {
			_ = json.Unmarshal(body, &in)
		}
		answer := handle(r, in)
		if answer.Body == nil {
			w.WriteHeader(answer.Status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.Status)
		_ = json.NewEncoder(w).Encode(answer.Body)
	})
}

// Bearer is a request's bearer token.
func Bearer(r *http.Request) string {
	const head = "Bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(head) && h[:len(head)] == head {
		return h[len(head):]
	}
	return ""
}

// NoVerdict fails where a firewall's page is taken for the provider's word: it
// proves nothing of a credential.
func NoVerdict(t *testing.T, prove func(endpoint string) error, refused func(error) bool) {
	t.Helper()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>Blocked</html>")
		}))
		err := prove(s.URL)
		s.Close()
		if err == nil || refused(err) {
			t.Errorf("a firewall's page with status %d is taken for a verdict: %v", status, err)
		}
	}
}
