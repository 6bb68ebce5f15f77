package policy

import (
	"fmt"
	"os"
	"testing"
)

func TestExample(t *testing.T) {
	b, _ := os.ReadFile("../../examples/policy.yaml")
	p, err := Parse("policy.yaml", b)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(p.ID(), p.Bounds, p.Targets("", "AWS-prod-Admin"), p.Targets("", "aws_(123456789012)_(x)"), p.Targets("", "aws#foo#r#123456789012"))
}
