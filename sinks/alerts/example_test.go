package alerts_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"jitaudit/internal/visible"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/post"
)

// lines posts each alert as a line of text.
type lines struct{ post *post.Client }

// Send implements alerts.Receiver.
func (l *lines) Send(ctx context.Context, n *alerts.Notice) (retry bool, err error) {
	var body strings.Builder
	mark := ""
	if n.Test {
		mark = "TEST "
	}
	for i := range n.Alerts {
		a := &n.Alerts[i]
		switch {
		case a.Finding != nil:
			fmt.Fprintf(&body, "%s%s %s %s: %s\n", mark, a.ID(), a.Change, a.Finding.Severity, visible.Clip(a.Finding.Why, 1000))
		case a.Grant != nil:
			fmt.Fprintf(&body, "%s%s access to %s %s\n", mark, a.ID(), visible.Clip(a.Grant.Role, 200), a.Change)
		case a.Session != nil:
			fmt.Fprintf(&body, "%s%s session %s, %s\n", mark, a.ID(), a.Change, a.Session.Verdict)
		}
	}
	if n.Digest != nil {
		fmt.Fprintf(&body, "%s%s %d alerts, %s\n", mark, n.ID, n.Digest.Total, n.Digest.Reason)
	}
	header := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	_, retry, err = l.post.Post(ctx, "", header, []byte(body.String()))
	return retry, err
}

func ExampleReceiver() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, said, _ := strings.Cut(string(b), "opened ")
		fmt.Print(said)
	}))
	defer server.Close()
	client, err := post.New(post.Config{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = (&lines{client}).Send(context.Background(), alerts.TestNotice(time.Now()))
	fmt.Println(err)
	// Output:
	// info: This is a test of jitaudit's alerts: nothing has happened, and there is nothing to do.
	// <nil>
}
