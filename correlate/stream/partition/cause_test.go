package partition_test

import (
	"testing"
	"time"

	"jitaudit/schemas"
)

// Whoever is told of findings wants to know which came of no new event.
func TestWhatOnlyAPolicyBringsSaysSo(t *testing.T) {
	c, owners := ada(t, 2)
	c.say(adaSignsOn(-time.Minute), assumption())
	c.settle(owners)
	session := sessionsOf(c)["okta:example/00u1"]
	if cause := c.causes[session.ID]; cause != "" {
		t.Errorf("events: the cause is %q", cause)
	}
	c.policy([]byte(smallPolicy + "\n# another one\n"))
	c.settle(owners)
	if now := sessionsOf(c)["okta:example/00u1"]; now.Policy == session.Policy || c.causes[now.ID] != schemas.ByPolicy {
		t.Errorf("a policy: the cause is %q, and policy %s is now %s", c.causes[now.ID], session.Policy, now.Policy)
	}
	c.policy([]byte(smallPolicy + "\n# a third one\n"))
	c.say(adaCalls("c1", time.Minute))
	c.settle(owners)
	if cause := c.causes[session.ID]; cause != "" {
		t.Errorf("a policy and a call: the cause is %q", cause)
	}
}

func TestWhatOnlyAnUpgradeBringsSaysSo(t *testing.T) {
	c := restored(t, "open.jsonl.gz", week)
	before := c.standing()
	c.settle(c.all())
	n := 0
	for id := range c.standing() {
		if before[id] != "" {
			continue
		}
		if n++; c.causes[id] != schemas.ByProgram {
			t.Errorf("%s: the cause is %q", id, c.causes[id])
		}
	}
	if n == 0 {
		t.Error("the upgrade brought nothing")
	}
}
