// Follows reservationStatus with the client libraries graphql-ws and graphql-sse, unchanged, and prints what they get:
//   node subscribe.mjs ws|sse URL TOKEN RESERVATION STATUS
// It ends with that status; the process that started it changes the reservation meanwhile.
import { createClient as createSocket } from 'graphql-ws';
import { createClient as createEvents } from 'graphql-sse';
import WebSocket from 'ws';

const [kind, url, token, id, status] = process.argv.slice(2);
const client =
  kind === 'ws'
    ? createSocket({
        url: url.replace(/^http/, 'ws'),
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${token}` },
        keepAlive: 100,
      })
    : createEvents({ url, headers: { authorization: `Bearer ${token}` } });

const query = 'subscription($id: ID!) { reservationStatus(id: $id) { version status } }';
for await (const result of client.iterate({ query, variables: { id } })) {
  console.log(JSON.stringify(result));
  if (result.data.reservationStatus.status === status) break;
}

// Something that is refused must end the iteration instead of hanging or being tried for ever.
try {
  for await (const result of client.iterate({ query: 'subscription { nope }' })) {
    console.log(JSON.stringify(result));
  }
} catch (refusal) {
  console.log(JSON.stringify(refusal));
}
client.dispose();
