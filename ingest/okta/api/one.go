package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"
)

// Object is one thing, as Okta gave it.
type Object struct {
	// Raw is the answer's JSON object, byte for byte.
	Raw json.RawMessage
	// Date is the server's time of the answer, cut to the second.
	Date time.Time
	// Wait is how long to hold back so that others have half of the endpoint's
	// limit; zero as long as more than half of it is left.
	Wait time.Duration
}

// GetOne asks for one thing, with the errors of Get.
func (c *Client) GetOne(ctx context.Context, path string, q query.Params) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	var o Object
	err := c.twice(func() error {
		resp, body, err := c.do(ctx, path, q)
		if err == nil {
			o, err = readOne(resp, body)
		}
		return err
	})
	if err != nil {
		return Object{}, fmt.Errorf("ask %s%s: %w", c.cfg.URL, path, err)
	}
	return o, nil
}

func readOne(resp *okta.Response, body json.RawMessage) (o Object, err error) {
	if len(body) == 0 || body[0] != '{' {
		return o, errors.New("the answer is no JSON object; if it stays so, check the URL and what stands between here and Okta")
	}
	o.Raw = body
	if o.Date, err = http.ParseTime(resp.Header.Get("Date")); err != nil {
		return o, fmt.Errorf("the answer has no Date: %w", err)
	}
	o.Date = o.Date.UTC()
	number := func(header string) int64 {
		n, err := strconv.ParseInt(resp.Header.Get(header), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	most, left, reset := number("X-Rate-Limit-Limit"), number("X-Rate-Limit-Remaining"), number("X-Rate-Limit-Reset")
	if most > 0 && left >= 0 && reset > 0 && 2*left <= most {
		o.Wait = max(0, min(time.Unix(reset, 0).Sub(o.Date)+time.Second, backoffMost*time.Second))
	}
	return o, nil
}
