package broker

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// guard looks at settings of topics before kfake does, which takes any text for
// a number (retention.ms=abc is 0 to it: delete all) and any name for a setting.
func (b *Broker) guard() {
	b.cluster.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		return b.guardCreate(req.(*kmsg.CreateTopicsRequest))
	})
	b.cluster.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		return b.guardAlter(req.(*kmsg.IncrementalAlterConfigsRequest))
	})
	// The old way to alter sets all that it does not name to kfake's defaults.
	b.cluster.ControlKey(int16(kmsg.AlterConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		return refuseAlter(req.(*kmsg.AlterConfigsRequest)), nil, true
	})
}

func (b *Broker) guardCreate(req *kmsg.CreateTopicsRequest) (kmsg.Response, error, bool) {
	refused := map[string]error{}
	for i := range req.Topics {
		if err := b.settle(&req.Topics[i]); err != nil {
			refused[req.Topics[i].Topic] = err
		}
	}
	if len(refused) == 0 {
		return nil, nil, false
	}
	res := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	for _, t := range req.Topics {
		answer := kmsg.NewCreateTopicsResponseTopic()
		answer.Topic = t.Topic
		answer.ErrorCode = kerr.InvalidConfig.Code
		message := "not created, since another topic of the request is refused"
		if err := refused[t.Topic]; err != nil {
			message = err.Error()
		}
		answer.ErrorMessage = &message
		res.Topics = append(res.Topics, answer)
	}
	return res, nil, true
}

// settle checks a topic's settings and adds those that the broker wants.
func (b *Broker) settle(t *kmsg.CreateTopicsRequestTopic) error {
	settings := map[string]string{}
	for _, c := range t.Configs {
		if c.Value == nil {
			return fmt.Errorf("%s has no value", c.Name)
		}
		if err := checkSetting(c.Name, *c.Value); err != nil {
			return err
		}
		settings[c.Name] = *c.Value
	}
	var add []string
	switch settings["cleanup.policy"] {
	case "compact":
		if err := checkCompacted(settings); err != nil {
			return err
		}
		add = []string{"retention.ms", "-1", "retention.bytes", "-1"}
	default:
		if _, ok := settings["retention.bytes"]; !ok {
			add = []string{"retention.bytes", strconv.FormatInt(b.cfg.RetentionBytes, 10)}
		}
	}
	for i := 0; i < len(add); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = add[i], &add[i+1]
		t.Configs = append(t.Configs, c)
	}
	return nil
}

// checkCompacted refuses what would delete from a compacted topic.
func checkCompacted(settings map[string]string) error {
	for _, name := range []string{"retention.ms", "retention.bytes"} {
		if v, ok := settings[name]; ok && v != "-1" {
			return fmt.Errorf("%s=%s: the embedded broker would delete from a compacted topic", name, v)
		}
	}
	return nil
}

// checkSetting allows what kfake does, and what we see to.
func checkSetting(name, value string) error {
	choices := map[string][]string{
		"cleanup.policy":         {"delete", "compact"},
		"compression.type":       {"producer"},
		"message.timestamp.type": {"CreateTime"},
	}
	lowest := map[string]int64{
		"retention.ms":          -1,
		"retention.bytes":       -1,
		"delete.retention.ms":   0,
		"min.compaction.lag.ms": 0,
		"max.message.bytes":     1,
		"segment.bytes":         1,
		"segment.ms":            1,
		"min.insync.replicas":   1,
	}
	if allowed, ok := choices[name]; ok {
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("%s=%s: the embedded broker has %q", name, value, allowed)
		}
		return nil
	}
	least, ok := lowest[name]
	if !ok {
		return fmt.Errorf("%s: the embedded broker does not have this setting", name)
	}
	if n, err := strconv.ParseInt(value, 10, 64); err != nil || n < least {
		return fmt.Errorf("%s=%s: want a whole number from %d", name, value, least)
	}
	return nil
}

func (b *Broker) guardAlter(req *kmsg.IncrementalAlterConfigsRequest) (kmsg.Response, error, bool) {
	for _, r := range req.Resources {
		if r.ResourceType != kmsg.ConfigResourceTypeTopic {
			continue
		}
		if err := b.checkAlter(r); err != nil {
			res := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
			for _, r := range req.Resources {
				answer := kmsg.NewIncrementalAlterConfigsResponseResource()
				answer.ResourceType, answer.ResourceName = r.ResourceType, r.ResourceName
				answer.ErrorCode = kerr.InvalidConfig.Code
				answer.ErrorMessage = kmsg.StringPtr("nothing was changed: " + err.Error())
				res.Resources = append(res.Resources, answer)
			}
			return res, nil, true
		}
	}
	return nil, nil, false
}

func (b *Broker) checkAlter(r kmsg.IncrementalAlterConfigsRequestResource) error {
	settings := map[string]string{}
	if info := b.cluster.TopicInfo(r.ResourceName); info != nil {
		settings["cleanup.policy"] = setting(info, "cleanup.policy", "delete")
	}
	for _, c := range r.Configs {
		if c.Op != kmsg.IncrementalAlterConfigOpSet || c.Value == nil {
			return fmt.Errorf("topic %s, %s: the embedded broker only sets values", r.ResourceName, c.Name)
		}
		if c.Name == "cleanup.policy" && *c.Value != settings[c.Name] {
			return fmt.Errorf("topic %s: the embedded broker does not change %s", r.ResourceName, c.Name)
		}
		if err := checkSetting(c.Name, *c.Value); err != nil {
			return fmt.Errorf("topic %s: %w", r.ResourceName, err)
		}
		settings[c.Name] = *c.Value
	}
	if settings["cleanup.policy"] == "compact" {
		return checkCompacted(settings)
	}
	return nil
}

func refuseAlter(req *kmsg.AlterConfigsRequest) kmsg.Response {
	res := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	for _, r := range req.Resources {
		answer := kmsg.NewAlterConfigsResponseResource()
		answer.ResourceType, answer.ResourceName = r.ResourceType, r.ResourceName
		answer.ErrorCode = kerr.InvalidRequest.Code
		answer.ErrorMessage = kmsg.StringPtr("the embedded broker only alters incrementally")
		res.Resources = append(res.Resources, answer)
	}
	return res
}
