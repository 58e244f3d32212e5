// Loads the page of an order again when the order's state changes: paid, expired, refunded.
const order = document.querySelector('[data-order]');

const subscription = 'subscription Status($id: ID!) { reservationStatus(id: $id) { version status } }';
const ended = ['expired', 'cancelled', 'eventCancelled', 'declined', 'refunded'];

if (order && !ended.includes(order.dataset.state)) {
  const variables = JSON.stringify({ id: order.dataset.order });
  const source = new EventSource(`/graphql?${new URLSearchParams({ query: subscription, variables })}`);
  source.addEventListener('next', (message) => {
    const now = JSON.parse(message.data).data?.reservationStatus;
    if (!now || now.version <= Number(order.dataset.version) || now.status === order.dataset.status) return;
    source.close();
    location.replace(order.dataset.path);
  });
  source.addEventListener('complete', () => source.close());
  // A form that is under way leads to the new state itself, and must not be stopped.
  addEventListener('submit', () => source.close());
  addEventListener('pagehide', () => source.close());
}
