// Tries InMemoryCache and the link of persisted queries of Apollo Client. See common.mjs.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

// Before Apollo, which warns only with what this sets.
import { cancelOnce, countingFetch, finish, given, headers, lists, nodeTypes, pageThroughLists, readAll, withoutID } from './common.mjs';

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { loadDevMessages, loadErrorMessages } from '@apollo/client/dev';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { relayStylePagination } from '@apollo/client/utilities';

loadDevMessages();
loadErrorMessages();

// As docs/api.md says: lists go on, and what has no id is part of the object around it.
const typePolicies = Object.fromEntries(withoutID.map((type) => [type, { merge: true }]));
for (const { type, field, conditions } of lists) {
  typePolicies[type] ??= {};
  typePolicies[type].fields = { ...typePolicies[type].fields, [field]: relayStylePagination(conditions) };
}
const cache = new InMemoryCache({ possibleTypes: { Node: nodeTypes }, typePolicies });
const persisted = new PersistedQueryLink({ sha256: (text) => createHash('sha256').update(text).digest('hex') });
const link = ApolloLink.from([persisted, new HttpLink({ uri: given.url, headers, fetch: countingFetch })]);
const client = new ApolloClient({ cache, link });

const read = async (text, fetchPolicy) => (await client.query({ query: gql`query { ${text} }`, fetchPolicy })).data;
await readAll(read);

// refuseCopies fails for an object with a global id that is kept within another.
function refuseCopies(value, path) {
  if (typeof value !== 'object' || value === null) return;
  if (value.__typename) assert.ok(!nodeTypes.includes(value.__typename), `${path} is a copy of a ${value.__typename}`);
  for (const [key, inner] of Object.entries(value)) refuseCopies(inner, `${path}.${key}`);
}
const kept = cache.extract();
for (const type of nodeTypes) assert.equal(kept[`${type}:${given.ids[type]}`]?.id, given.ids[type], type);
for (const [key, { __typename, ...fields }] of Object.entries(kept)) {
  if (fields.id) assert.equal(key, `${__typename}:${fields.id}`);
  refuseCopies(fields, key);
}

await pageThroughLists(read);

// Parts of an object without an id come with different operations.
for (const part of ['currencyCode', 'amount']) await read(`event(id: "${given.ids.Event}") { id sections { id price { ${part} } } }`, 'network-only');

await cancelOnce(read, (text) => client.mutate({ mutation: gql(text) }));
finish();
