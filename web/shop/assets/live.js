// Keeps the counts of an event's sections up to date while the page is open, and loads it again when sales end.
const keptFor = 1500; // milliseconds; the server and its caches keep a page for one second
const form = document.querySelector('form[data-event]');

const subscription = `subscription Counts($id: ID!) {
  availability(eventId: $id) { inventoryVersion status sections { name available } }
}`;

function describe(available) {
  if (available === 0) return form.dataset.leftNone;
  return available === 1 ? form.dataset.leftOne : form.dataset.leftOther.replace('7', String(available));
}

function show({ name, available }) {
  for (const row of form.querySelectorAll('[data-section]')) {
    if (row.dataset.section !== name) continue;
    row.querySelector('.left').textContent = describe(available);
    const select = row.querySelector('select');
    select.disabled = available === 0 && select.value === '0';
  }
}

if (form) {
  const variables = JSON.stringify({ id: form.dataset.event });
  const source = new EventSource(`/graphql?${new URLSearchParams({ query: subscription, variables })}`);
  let refused = false;
  source.addEventListener('next', (message) => {
    const { data, errors } = JSON.parse(message.data);
    refused = !data && errors?.[0]?.extensions?.code !== 'UNAVAILABLE';
    data?.availability.sections.forEach(show);
    if (!data || data.availability.status === 'SALES_OPEN') return;
    source.close();
    setTimeout(() => location.replace(location.pathname.replace(/\/reserve$/, '')), keptFor);
  });
  // A server that stops completes the stream, too; then the browser connects again by itself.
  source.addEventListener('complete', () => {
    if (refused) source.close();
  });
  addEventListener('pagehide', () => source.close());
}
