package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (m *Main) healthCommand() *cobra.Command {
	var addr string
	var ready bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running jitaudit whether it works",
		Long: `health asks a running jitaudit on this machine whether it works (/healthz) or,
with --ready, whether it keeps up too (/readyz). It is what a container's health
check calls. Exit codes: 0 yes, 1 no.`,
		Example: `  jitaudit health
  jitaudit health --ready --addr 127.0.0.1:9465`,
		Args: noArgs(""),
		RunE: func(cmd *cobra.Command, _ []string) error { return m.askHealth(cmd.Context(), addr, ready) },
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:9464", "`HOST:PORT` that the configuration has as http.addr")
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it keeps up, too")
	return cmd
}

func (m *Main) askHealth(ctx context.Context, addr string, ready bool) error {
	path := "/healthz"
	if ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		return usagef("--addr %q is no HOST:PORT", addr)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var at *url.Error // it repeats the address
		if errors.As(err, &at) {
			err = at.Err
		}
		return fmt.Errorf("no jitaudit answers on %s (%w): see whether it runs, and whether its http.addr is that", addr, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	if _, err := fmt.Fprintln(m.Stdout, strings.TrimSpace(string(body))); err != nil {
		return writing(err)
	}
	if resp.StatusCode != http.StatusOK {
		return exitCode(exitError)
	}
	return nil
}
