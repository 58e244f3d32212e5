// Buys as a guest although every other response is lost, and prints what happened:
//   node buy.mjs URL EVENT
// The section "Stalls" of the event has a row A of ten seats; test/tsclient_test.go prepares it and reads what this prints.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import * as api from '../dist/index.js';

const [url, eventId] = process.argv.slice(2);
let requests = 0;
const lossy = async (address, init) => {
  const response = await fetch(address, init);
  if (init.headers.accept !== 'text/event-stream' && requests++ % 2 === 0) throw new TypeError('the response was lost');
  return response;
};

const visitor = new api.TicketingClient({ url, fetch: lossy, webSocket: WebSocket });
const { startGuestSession } = await visitor.execute(api.StartGuestSessionDocument);
const guest = visitor.withToken(startGuestSession.sessionToken);
await guest.execute(api.SetContactDocument, { input: { name: 'Ann', email: 'ann@example.com' } });

await assert.rejects(
  guest.execute(api.ReserveSeatsDocument, { input: { eventId, items: [{ section: 'Stalls', seats: ['A-11'] }] } }),
  (err) => err instanceof api.UserErrors && err.errors[0].field.join() === 'items,0,seats,0',
);
const { reserveSeats } = await guest.execute(api.ReserveSeatsDocument, { input: { eventId, items: [{ section: 'Stalls', quantity: 2 }] } });
const { id } = reserveSeats.reservation;
const { me } = await guest.execute(api.ListMyReservationsDocument, {});
console.log('reservations:', me.reservations.nodes.length);

async function watch(over) {
  for await (const { reservationStatus } of guest.subscribe(api.WatchReservationDocument, { id }, over)) {
    if (reservationStatus.status === 'COMPLETED') return console.log('paid, says', over);
  }
}
const watching = Promise.all([watch('sse'), watch('ws')]);
const method = { card: { token: 'pm_card_visa' } };
const { processPayment } = await guest.execute(api.ProcessPaymentDocument, { input: { reservationId: id, method } });
console.log('payment:', processPayment.payment.status);
await watching;

const { reservation } = await guest.execute(api.GetTicketsDocument, { reservationId: id });
console.log('tickets:', reservation.tickets.length);
for (const over of ['sse', 'ws']) {
  await assert.rejects(
    guest.subscribe(api.WatchReservationDocument, { id: 'rsv_01jd0000000000000000000000' }, over).next(),
    (err) => err instanceof api.TicketingError && err.code === 'NOT_FOUND',
  );
}
