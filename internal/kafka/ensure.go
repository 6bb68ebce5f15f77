package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"

	"jitaudit/schemas/topics"
)

// Ensure makes the topics that are missing and checks those that exist. What a
// topic relies on is an error if the broker has it otherwise, each in a
// sentence of its own: another number of partitions, another cleanup.policy, a
// shorter retention. Nothing that exists is changed.
func (c *Client) Ensure(ctx context.Context, wanted []topics.Topic) error {
	wanted = withMessageLimit(wanted)
	for _, t := range wanted {
		if err := checkTopic(t); err != nil {
			return err
		}
	}
	have, err := c.partitionCounts(ctx)
	if err != nil {
		return err
	}
	var missing, existing []topics.Topic
	for _, t := range wanted {
		if _, ok := have[c.full(t.Name)]; ok {
			existing = append(existing, t)
		} else {
			missing = append(missing, t)
		}
	}
	raced, err := c.create(ctx, missing)
	if err != nil {
		return err
	}
	if have, err = c.awaitLeaders(ctx, wanted); err != nil {
		return err
	}
	if err := c.verify(ctx, append(existing, raced...), have); err != nil {
		return err
	}
	c.forget() // what it knew of the cluster is of before
	return c.awaitAnswers(ctx, missing)
}

// withMessageLimit adds to every topic that it takes the messages we write.
func withMessageLimit(wanted []topics.Topic) []topics.Topic {
	out := slices.Clone(wanted)
	for i := range out {
		out[i].Config = maps.Clone(out[i].Config)
		if out[i].Config == nil {
			out[i].Config = map[string]string{}
		}
		if _, ok := out[i].Config[maxMessageBytes]; !ok {
			out[i].Config[maxMessageBytes] = strconv.Itoa(wantedMessageBytes)
		}
	}
	return out
}

// partitionCounts returns how many partitions each topic of the cluster has.
func (c *Client) partitionCounts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	err := c.ask(ctx, "list the topics of Kafka", func(ctx context.Context) error {
		parts, err := c.partitions(ctx)
		if err != nil {
			return err
		}
		for _, p := range parts {
			counts[p.Topic]++
		}
		return nil
	})
	return counts, err
}

// partitions asks a broker itself, past what the transport remembers.
func (c *Client) partitions(ctx context.Context) ([]kafkago.Partition, error) {
	var failed []error
	for _, b := range c.cfg.Brokers {
		conn, err := c.dialer.DialContext(ctx, "tcp", b)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		parts, err := conn.ReadPartitions()
		stop()
		_ = conn.Close()
		if err == nil {
			return parts, nil
		}
		failed = append(failed, fmt.Errorf("ask Kafka broker %s for its topics: %w", b, err))
	}
	return nil, errors.Join(failed...)
}

// create makes the topics in one request. It returns those that somebody else
// made meanwhile.
func (c *Client) create(ctx context.Context, missing []topics.Topic) ([]topics.Topic, error) {
	if len(missing) == 0 {
		return nil, nil
	}
	req := &kafkago.CreateTopicsRequest{}
	replication := c.cfg.Replication
	if replication == 0 {
		replication = -1
	}
	for _, t := range missing {
		topic := kafkago.TopicConfig{Topic: c.full(t.Name), NumPartitions: t.Partitions, ReplicationFactor: replication}
		for _, name := range slices.Sorted(maps.Keys(t.Config)) {
			topic.ConfigEntries = append(topic.ConfigEntries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: t.Config[name]})
		}
		req.Topics = append(req.Topics, topic)
	}
	res, err := c.kafka.CreateTopics(ctx, req)
	if err != nil {
		if cause := c.reach(ctx); cause != nil {
			err = cause
		}
		return nil, explain("create topics", err)
	}
	var raced []topics.Topic
	var failed []error
	for _, t := range missing {
		switch err := res.Errors[c.full(t.Name)]; {
		case errors.Is(err, kafkago.TopicAlreadyExists):
			raced = append(raced, t)
		case err != nil:
			failed = append(failed, explain("create topic "+c.full(t.Name), err))
		default:
			c.log.Info("created a topic", "topic", c.full(t.Name), "partitions", t.Partitions)
		}
	}
	return raced, errors.Join(failed...)
}

// awaitLeaders waits until every partition of the topics can be written to, and
// returns the partition counts as of then.
func (c *Client) awaitLeaders(ctx context.Context, wanted []topics.Topic) (map[string]int, error) {
	for n := 1; ; n++ {
		counts := map[string]int{}
		leaderless := map[string]bool{}
		err := c.ask(ctx, "wait for the topics' leaders", func(ctx context.Context) error {
			parts, err := c.partitions(ctx)
			if err != nil {
				return err
			}
			for _, p := range parts {
				counts[p.Topic]++
				if p.Leader.Host == "" {
					leaderless[p.Topic] = true
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		waiting := ""
		for _, t := range wanted {
			if name := c.full(t.Name); counts[name] == 0 || leaderless[name] {
				waiting = name
			}
		}
		if waiting == "" {
			return counts, nil
		}
		if err := backoff(ctx, n); err != nil {
			return nil, fmt.Errorf("wait for the leaders of topic %s: %w: see whether all of Kafka's brokers run", waiting, err)
		}
	}
}

// awaitAnswers waits until the leaders know that they are: that comes last.
func (c *Client) awaitAnswers(ctx context.Context, created []topics.Topic) error {
	for _, t := range created {
		name := c.full(t.Name)
		err := c.ask(ctx, "wait for the leaders of topic "+name, func(ctx context.Context) error {
			_, err := c.bounds(ctx, name, numbers(t.Partitions))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// verify compares the topics that exist with what they should be.
func (c *Client) verify(ctx context.Context, existing []topics.Topic, have map[string]int) error {
	if len(existing) == 0 {
		return nil
	}
	actual, err := c.settings(ctx, existing)
	if err != nil {
		return err
	}
	var wrong []error
	for _, t := range existing {
		name := c.full(t.Name)
		if have[name] != t.Partitions {
			wrong = append(wrong, fmt.Errorf("topic %s has %d partitions, want %d: configure partitions: %d, or a prefix under which new topics are made; a changed number would move keys",
				name, have[name], t.Partitions, have[name]))
		}
		for _, setting := range slices.Sorted(maps.Keys(t.Config)) {
			if err := checkSetting(name, setting, t.Config[setting], actual[name]); err != nil {
				wrong = append(wrong, err)
			}
		}
	}
	return errors.Join(wrong...)
}

// settings returns the settings of topics as they are on the broker.
func (c *Client) settings(ctx context.Context, existing []topics.Topic) (map[string]map[string]string, error) {
	req := &kafkago.DescribeConfigsRequest{}
	for _, t := range existing {
		req.Resources = append(req.Resources, kafkago.DescribeConfigRequestResource{
			ResourceType: kafkago.ResourceTypeTopic,
			ResourceName: c.full(t.Name),
		})
	}
	out := map[string]map[string]string{}
	err := c.ask(ctx, "read the settings of topics", func(ctx context.Context) error {
		res, err := c.kafka.DescribeConfigs(ctx, req)
		if err != nil {
			return err
		}
		for _, r := range res.Resources {
			if r.Error != nil {
				return fmt.Errorf("topic %s: %w", r.ResourceName, r.Error)
			}
			out[r.ResourceName] = map[string]string{}
			for _, e := range r.ConfigEntries {
				out[r.ResourceName][e.ConfigName] = e.ConfigValue
			}
		}
		return nil
	})
	return out, err
}
