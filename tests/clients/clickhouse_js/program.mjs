// Ask the embedded ClickHouse with @clickhouse/client: rows in and out, compressed, streamed, and cancelled.
import { createClient } from "@clickhouse/client";
import assert from "node:assert/strict";

const [url, database, username, password] = process.argv.slice(2);
for (const compressed of [false, true]) {
  const client = createClient({
    url, database, username, password, compression: { request: compressed, response: compressed },
  });
  assert.equal((await client.ping()).success, true);
  await client.command({ query: "CREATE OR REPLACE TABLE n (a UInt64, s String) ENGINE = MergeTree ORDER BY a" });
  const values = Array.from({ length: 1000 }, (_, number) => ({ a: number, s: `it's ${number}` }));
  await client.insert({ table: "n", values, format: "JSONEachRow" });
  const found = await client.query({
    query: "SELECT s FROM n WHERE a = {a: UInt64}", query_params: { a: 7 }, format: "JSON",
  });
  assert.deepEqual((await found.json()).data, [{ s: "it's 7" }]);
  let rows = 0;
  const long = await client.query({ query: "SELECT number FROM numbers(500000)", format: "JSONEachRow" });
  for await (const piece of long.stream()) rows += piece.length;
  assert.equal(rows, 500000);
  await assert.rejects(client.query({ query: "SELECT * FROM nowhere" }), { code: "60" });
  const endless = client.query({
    query: "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)", query_id: `endless-${compressed}`,
  });
  const ended = assert.rejects(endless, { code: "394" });
  let killed = [];
  while (killed.length === 0) {
    const answer = await client.query({
      query: `KILL QUERY WHERE query_id = 'endless-${compressed}' SYNC`, format: "JSONEachRow",
    });
    killed = await answer.json();
  }
  await ended;
  await client.close();
}
console.log("fine");
