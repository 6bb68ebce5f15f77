package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// compactAtStart compacts the data if it is large. kfake removes a partition's
// files before it writes the new ones, so a crash in between would lose all of
// it: a copy is compacted, which then takes the place of the original.
//
// Topics with a min.compaction.lag.ms are left as they are: kfake does not know
// it, and that records stay longer is allowed.
func (b *Broker) compactAtStart(data string) error {
	s := swap{data: data, fresh: data + ".compacted", old: data + ".old"}
	if err := s.recover(); err != nil {
		return fmt.Errorf("finish the last compaction of %s: %w", data, err)
	}
	size, err := folderSize(data)
	if err != nil {
		return fmt.Errorf("measure %s: %w", data, err)
	}
	note := filepath.Join(b.cfg.Dir, "compacted")
	if size < max(b.cfg.CompactFrom, 2*lastSize(note)) {
		return nil
	}
	start := time.Now()
	compacted, err := b.compactCopy(s, size)
	if err != nil {
		// The original is as it was.
		b.cfg.Logger.Warn("the embedded Kafka broker's data is not compacted", "directory", data, "error", err)
		return os.RemoveAll(s.fresh)
	}
	b.cfg.Logger.Info("compacted the embedded Kafka broker's data", "directory", data, "bytes before", size, "bytes after", compacted, "took", time.Since(start))
	return os.WriteFile(note, []byte(strconv.FormatInt(compacted, 10)), 0o600)
}

// lastSize is what the data had after its last compaction, 0 if that is unknown.
func lastSize(note string) int64 {
	text, err := os.ReadFile(note)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// compactCopy returns how large the data is afterwards.
func (b *Broker) compactCopy(s swap, size int64) (int64, error) {
	if err := copyData(s.data, s.fresh); err != nil {
		return 0, fmt.Errorf("copy the data: %w", err)
	}
	if err := b.cfg.compactData(s.fresh); err != nil {
		return 0, err
	}
	compacted, err := folderSize(s.fresh)
	if err != nil {
		return 0, err
	}
	if compacted >= size { // kfake writes what it compacts uncompressed
		return size, os.RemoveAll(s.fresh)
	}
	return compacted, s.commit()
}

// compactData compacts the data of a broker that nobody knows of.
func (c Config) compactData(data string) error {
	complaints := &counter{log: c.Logger}
	c.Logger = slog.New(complaints)
	cluster, addr, err := c.cluster(data, "127.0.0.1:0")
	if err != nil {
		return err
	}
	err = c.compactTopics(cluster, addr)
	cluster.Close()
	if err == nil && complaints.n.Load() > 0 {
		err = errors.New("kfake complained, see above")
	}
	return err
}

func (c Config) compactTopics(cluster *kfake.Cluster, addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := c.client(addr)
	if err != nil {
		return err
	}
	defer client.Transport.(*kafkago.Transport).CloseIdleConnections()
	meta, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("list the topics to compact: %w", err)
	}
	keep, restore := map[string]map[string]string{}, map[string]map[string]string{}
	ends := map[partition]int64{}
	for _, t := range meta.Topics {
		for p := range t.Partitions {
			ends[partition{t.Name, p}] = cluster.PartitionInfo(t.Name, int32(p)).HighWatermark
		}
		info := cluster.TopicInfo(t.Name)
		if setting(info, "cleanup.policy", "delete") == "compact" && setting(info, "min.compaction.lag.ms", "0") == "0" {
			continue
		}
		// kfake deletes by age and size as it compacts, unless told otherwise.
		keep[t.Name] = map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
		restore[t.Name] = map[string]string{}
		for name := range keep[t.Name] {
			restore[t.Name][name] = setting(info, name, keep[t.Name][name])
		}
	}
	if err := alter(ctx, client, keep); err != nil {
		return err
	}
	cluster.Compact()
	if err := alter(ctx, client, restore); err != nil {
		return err
	}
	for p, end := range ends {
		if got := cluster.PartitionInfo(p.topic, int32(p.id)).HighWatermark; got != end {
			return fmt.Errorf("topic %s, partition %d ends at offset %d after compaction, at %d before", p.topic, p.id, got, end)
		}
	}
	return nil
}

func alter(ctx context.Context, client *kafkago.Client, topics map[string]map[string]string) error {
	if len(topics) == 0 {
		return nil
	}
	req := &kafkago.IncrementalAlterConfigsRequest{}
	for topic, settings := range topics {
		r := kafkago.IncrementalAlterConfigsRequestResource{ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic}
		for name, value := range settings {
			r.Configs = append(r.Configs, kafkago.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: kafkago.ConfigOperationSet})
		}
		req.Resources = append(req.Resources, r)
	}
	res, err := client.IncrementalAlterConfigs(ctx, req)
	if err != nil {
		return fmt.Errorf("set topics up for compaction: %w", err)
	}
	for _, r := range res.Resources {
		if r.Error != nil {
			return fmt.Errorf("set topic %s up for compaction: %w", r.ResourceName, r.Error)
		}
	}
	return nil
}

// counter counts the warnings and errors that it passes on.
type counter struct {
	log *slog.Logger
	n   atomic.Int64
}

func (*counter) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (c *counter) Handle(ctx context.Context, r slog.Record) error {
	c.n.Add(1)
	return c.log.Handler().Handle(ctx, r)
}

func (c *counter) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *counter) WithGroup(string) slog.Handler      { return c }

// swap puts a folder in the place of another such that a crash leaves one of
// both, whole.
type swap struct {
	data, fresh, old string
}

func (s swap) commit() error {
	if err := os.Rename(s.data, s.old); err != nil {
		return err
	}
	if err := os.Rename(s.fresh, s.data); err != nil {
		return errors.Join(err, os.Rename(s.old, s.data))
	}
	if err := syncFolder(filepath.Dir(s.data)); err != nil {
		return err
	}
	return os.RemoveAll(s.old)
}

// recover finishes what a crash has interrupted. The fresh folder is whole once
// the original has been moved away.
func (s swap) recover() error {
	has, err := exists(s.data)
	if err != nil {
		return err
	}
	if !has {
		moved, err := exists(s.old)
		if err != nil {
			return err
		}
		if moved {
			from := s.fresh
			if whole, err := exists(s.fresh); err != nil {
				return err
			} else if !whole {
				from = s.old
			}
			if err := os.Rename(from, s.data); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(s.fresh), os.RemoveAll(s.old))
}

// copyData copies a folder. Segments of records are linked: kfake appends to
// the last one at most, when it has clients, and else makes new files.
func copyData(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case strings.HasSuffix(path, ".dat") || strings.HasSuffix(path, ".idx"):
			return os.Link(path, target)
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// folderSize is 0 for a folder that is not there.
func folderSize(path string) (int64, error) {
	var size int64
	err := filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		return nil
	})
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	return size, err
}
