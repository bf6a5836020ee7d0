// Ask the embedded ClickHouse over HTTP, as Grafana's data source does: Native, with each compression.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func main() {
	for name, method := range map[string]clickhouse.CompressionMethod{
		"none": clickhouse.CompressionNone, "gzip": clickhouse.CompressionGZIP, "lz4": clickhouse.CompressionLZ4,
		"zstd": clickhouse.CompressionZSTD, "deflate": clickhouse.CompressionDeflate,
	} {
		if err := use(method); err != nil {
			fmt.Println(name, "failed:", err)
			os.Exit(1)
		}
	}
	fmt.Println("fine")
}

func use(method clickhouse.CompressionMethod) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := clickhouse.Open(&clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{os.Args[1]},
		Auth:        clickhouse.Auth{Database: os.Args[2], Username: os.Args[3], Password: os.Args[4]},
		Compression: &clickhouse.Compression{Method: method},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Exec(ctx, "CREATE OR REPLACE TABLE g (a UInt64, s LowCardinality(String), m Map(String, Nullable(Int32)), t DateTime64(3)) ENGINE = MergeTree ORDER BY a"); err != nil {
		return err
	}
	batch, err := client.PrepareBatch(ctx, "INSERT INTO g")
	if err != nil {
		return err
	}
	one := int32(1)
	for row := uint64(0); row < 100_000; row++ {
		if err := batch.Append(row, "word", map[string]*int32{"k": &one, "n": nil}, time.UnixMilli(1_700_000_000_123)); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	rows, err := client.Query(ctx, "SELECT * FROM g ORDER BY a")
	if err != nil {
		return err
	}
	var next uint64
	for rows.Next() {
		var a uint64
		var s string
		var m map[string]*int32
		var t time.Time
		if err := rows.Scan(&a, &s, &m, &t); err != nil {
			return err
		}
		if a != next || s != "word" || *m["k"] != 1 || m["n"] != nil || t.UnixMilli() != 1_700_000_000_123 {
			return fmt.Errorf("row %d is %v %v %v %v", next, a, s, m, t)
		}
		next++
	}
	if err := rows.Err(); err != nil || next != 100_000 {
		return fmt.Errorf("%d rows: %w", next, err)
	}
	var exception *clickhouse.Exception
	if _, err := client.Query(ctx, "SELECT * FROM nowhere"); !errors.As(err, &exception) && err == nil {
		return fmt.Errorf("no error: %v", err)
	}
	return nil
}
