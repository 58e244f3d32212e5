import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';

import { rememberIDs } from './ids.js';

const url = new URL('/graphql', location.href);

// createFetcher returns a fetcher for /graphql of this origin, signed in by the browser's cookie: HTTP for queries and mutations, a WebSocket
// for subscriptions.
export function createFetcher() {
  const socket = new URL(url);
  socket.protocol = url.protocol.replace('http', 'ws');
  const client = createClient({ url: socket.href });
  client.on('message', (message) => rememberIDs(message.payload));
  return createGraphiQLFetcher({ url: url.href, fetch: send, wsClient: client });
}

// Each press of the execute button gets an idempotency key of its own, unless the headers set one.
async function send(resource, init) {
  const headers = new Headers(init.headers);
  if (!headers.has('Idempotency-Key')) headers.set('Idempotency-Key', crypto.randomUUID());
  const response = await fetch(resource, { ...init, headers, credentials: 'same-origin' });
  response
    .clone()
    .json()
    .then(rememberIDs, () => {}); // GraphiQL shows responses that are not JSON
  return response;
}
