// A sale as k6 plays it: each user signs in, and then again and again browses, reserves two tickets, pays with the sandbox and watches the order
// until it is paid. `make load-k6` runs it on processes of its own. Elsewhere: k6 run -e URL=https://… -e ADMIN=admin@… deploy/k6/purchase.js,
// where AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING is set, and where limits for one address allow as much.
import http from 'k6/http';
import { fail } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';
import { setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';

const url = __ENV.URL || 'http://127.0.0.1:8080';
const seconds = Number(__ENV.SECONDS || 300);
const pause = Number(__ENV.PAUSE || 4) * 1000; // from the beginning of an order to the next
const share = (part) => `${Math.round(part * seconds)}s`;

const operations = ['ask for a link', 'sign in', 'browse', 'look at the event', 'reserve', 'pay'];

export const options = {
  stages: [
    { duration: share(0.1), target: 50 },
    { duration: share(0.4), target: 50 },
    { duration: share(0.1), target: 100 },
    { duration: share(0.4), target: 100 },
  ],
  thresholds: Object.assign(
    { errors: ['rate<0.01'], reservations: ['rate>10'], watch: ['p(95)<500'] },
    ...operations.map((operation) => ({ [`http_req_duration{operation:${operation}}`]: ['p(95)<500'] })),
  ),
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

const errors = new Rate('errors');
const reservations = new Counter('reservations');
const watched = new Trend('watch', true);

// execute returns the data of an operation, or null if it failed.
function execute(operation, query, variables, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = http.post(`${url}/graphql`, JSON.stringify({ query, variables }), { headers, tags: { operation } });
  const body = response.status === 200 ? response.json() : { errors: [response.error] };
  errors.add(Boolean(body.errors), { operation });
  if (body.errors) console.warn(operation, JSON.stringify(body.errors));
  return body.errors ? null : body.data;
}

// mutate returns the payload of a mutation, or null if it failed or was refused.
function mutate(operation, field, input, selection, token) {
  const type = `${field[0].toUpperCase()}${field.slice(1)}Input`;
  const inputType = ['publishEvent', 'openSales'].includes(field) ? 'EventIDInput' : type;
  const query = `mutation($i: ${inputType}!) { payload: ${field}(input: $i) { ${selection} userErrors { code message } } }`;
  const data = execute(operation, query, { i: input }, token);
  const refused = data !== null && data.payload.userErrors.length > 0;
  errors.add(refused, { operation });
  if (refused) console.warn(operation, JSON.stringify(data.payload.userErrors));
  return data === null || refused ? null : data.payload;
}

function signIn(email) {
  const ask = 'mutation($e: String!) { requestMagicLink(input: {email: $e}) { token } }';
  const asked = execute('ask for a link', ask, { e: email });
  if (asked === null) return null;
  const verify = 'mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken } }';
  const verified = execute('sign in', verify, { t: asked.requestMagicLink.token });
  return verified && verified.verifyMagicLink.sessionToken;
}

// setup puts an event on sale.
export function setup() {
  const admin = signIn(__ENV.ADMIN || 'admin@example.com');
  const created = mutate('set up', 'createEvent', { name: 'First night', venue: 'Town hall', startsAt: '2040-01-01T20:00:00Z' }, 'event { id }', admin);
  if (created === null) fail('no event was created');
  const eventId = created.event.id;
  const price = { amount: '20.00', currencyCode: 'EUR' };
  for (const [field, input] of [
    ['addInventory', { eventId, section: 'Floor', price, capacity: 1000000 }],
    ['publishEvent', { eventId }],
    ['openSales', { eventId }],
  ]) {
    if (mutate('set up', field, input, 'event { id }', admin) === null) fail(`${field} failed`);
  }
  return { eventId };
}

let token; // of this user

export default async function order({ eventId }) {
  const next = new Promise((resolve) => setTimeout(resolve, pause));
  token = token || signIn(`k6-${Date.now()}-${__VU}@example.com`);
  if (token) await buy(eventId);
  await next;
}

async function buy(eventId) {
  const key = () => crypto.randomUUID();
  execute('browse', '{ events(first: 20) { nodes { id name startsAt sections { name available price { amount } } } } }', {}, token);
  const look = 'query($id: ID!) { event(id: $id) { id name sections { name capacity available price { amount currencyCode } } } }';
  execute('look at the event', look, { id: eventId }, token);
  const items = [{ section: 'Floor', quantity: 2 }];
  const reserved = mutate('reserve', 'reserveSeats', { eventId, items, idempotencyKey: key() }, 'reservation { id }', token);
  if (reserved === null) return;
  reservations.add(1);
  const reservationId = reserved.reservation.id;
  const method = { card: { token: 'pm_card_visa' } };
  const paid = mutate('pay', 'processPayment', { reservationId, method, idempotencyKey: key() }, 'payment { id status }', token);
  if (paid !== null) await watch(reservationId);
}

// watch ends when a subscription has shown that the order is paid.
function watch(id) {
  return new Promise((resolve) => {
    const began = Date.now();
    let paid = false;
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws');
    const send = (message) => socket.send(JSON.stringify(message));
    const query = 'subscription($id: ID!) { reservationStatus(id: $id) { id version status } }';
    socket.onopen = () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query, variables: { id } } });
      if (message.type === 'ping') send({ type: 'pong' });
      if (message.type === 'next' && message.payload.data.reservationStatus.status === 'COMPLETED') {
        paid = true;
        watched.add(Date.now() - began);
      }
      if (paid || message.type === 'complete' || message.type === 'error') socket.close();
    };
    socket.onclose = () => {
      errors.add(!paid, { operation: 'watch' });
      resolve();
    };
    socket.onerror = () => socket.close();
  });
}
