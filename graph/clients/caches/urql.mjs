// Tries Graphcache and the exchange of persisted queries of urql. See common.mjs.
import assert from 'node:assert/strict';
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { persistedExchange } from '@urql/exchange-persisted';
import { introspectionFromSchema } from 'graphql';

import { cancelOnce, countingFetch, finish, given, headers, lists, nodeTypes, pageThroughLists, readAll, schema, withoutID } from './common.mjs';

// As docs/api.md says: what has no id is part of the object around it, and lists go on.
const keys = Object.fromEntries(withoutID.map((type) => [type, () => null]));
const resolvers = {};
for (const { type, field } of lists) resolvers[type] = { ...resolvers[type], [field]: relayPagination() };

let kept = {};
const updates = {
  Mutation: {
    cancelReservation(_result, _args, cache) {
      kept = Object.fromEntries(nodeTypes.map((type) => [type, cache.inspectFields({ __typename: type, id: given.ids[type] }).length]));
    },
  },
};
const client = new Client({
  url: given.url,
  exchanges: [
    cacheExchange({ schema: introspectionFromSchema(schema), keys, resolvers, updates }),
    persistedExchange({ preferGetForPersistedQueries: false }),
    fetchExchange,
  ],
  fetch: countingFetch,
  fetchOptions: { headers },
  preferGetMethod: false,
});

async function dataOf(result) {
  const { data, error } = await result.toPromise();
  if (error) throw error;
  return data;
}
const read = (text, requestPolicy) => dataOf(client.query(`query { ${text} }`, {}, { requestPolicy }));

await readAll(read);
await pageThroughLists(read);
await cancelOnce(read, (text) => dataOf(client.mutation(text, {})));
for (const type of nodeTypes) assert.ok(kept[type] > 0, `${type} is not kept by its id`);
finish();
