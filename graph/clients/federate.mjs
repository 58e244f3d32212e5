// Composes the API with a subgraph that adds reviews to events, and queries both through Apollo's gateway:
//   node federate.mjs URL EVENT ADMIN_TOKEN
import assert from 'node:assert/strict';
import { composeServices } from '@apollo/composition';
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

const [url, id, token] = process.argv.slice(2);
const ask = async (query, authorization) => {
  const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return response.json();
};
const refused = await ask('{ _service { sdl } }');
console.log('for strangers:', refused.errors[0].message);
const { data } = await ask('{ _service { sdl } }', `Bearer ${token}`);

const reviews = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type Event @key(fields: "id") { id: ID! review: String }
  type Query { latestReviewed: Event }
`);
const resolvers = {
  Query: { latestReviewed: () => ({ __typename: 'Event', id }) },
  Event: { review: (event) => `a review of ${event.id}` },
};
const { supergraphSdl, errors } = composeServices([
  { name: 'tickets', url, typeDefs: parse(data._service.sdl) },
  { name: 'reviews', url: 'http://reviews.invalid', typeDefs: reviews },
]);
assert.equal(errors, undefined, String(errors));

const gateway = new ApolloGateway({
  supergraphSdl,
  buildService: ({ name }) =>
    name === 'tickets'
      ? new RemoteGraphQLDataSource({ url })
      : new LocalGraphQLDataSource(buildSubgraphSchema({ typeDefs: reviews, resolvers })),
});
const { executor } = await gateway.load();
const execute = (query) =>
  executor({ document: parse(query), request: { query }, queryHash: query, operationName: null, context: {}, metrics: {}, overallCachePolicy: {}, schema: gateway.schema });

console.log('from tickets:', JSON.stringify((await execute(`{ event(id: "${id}") { name review } }`)).data));
console.log('from reviews:', JSON.stringify((await execute('{ latestReviewed { name review } }')).data));
await gateway.stop();
