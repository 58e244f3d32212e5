import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';

import { note } from './ids.js';

const url = new URL('/graphql', location.href);

// createFetcher talks to /graphql of this origin as the session of the browser's cookie: HTTP for queries and mutations, a WebSocket for
// subscriptions.
export function createFetcher() {
  const socket = new URL(url);
  socket.protocol = url.protocol.replace('http', 'ws');
  const client = createClient({ url: socket.href });
  client.on('message', (message) => note(message.payload));
  return createGraphiQLFetcher({ url: url.href, fetch: send, wsClient: client });
}

// Every press of the button is an action of its own, unless the headers say otherwise.
async function send(resource, init) {
  const headers = new Headers(init.headers);
  if (!headers.has('Idempotency-Key')) headers.set('Idempotency-Key', crypto.randomUUID());
  const response = await fetch(resource, { ...init, headers, credentials: 'same-origin' });
  response
    .clone()
    .json()
    .then(note, () => {}); // what is no JSON is GraphiQL's to show
  return response;
}
