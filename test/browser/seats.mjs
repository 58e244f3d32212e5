// Measures what `make bench ONLY=shop` prints of the pages in Chromium, and writes it as JSON:
//   node seats.mjs CHROMIUM URL TOKEN EVENT SECTION TIMES
// The event has general admission called Floor, and a large section of numbered seats. Two browsers look at its map while single seats are taken.
import { chromium } from 'playwright-core';

import { flags, measureTraffic } from './browser.mjs';

const [executablePath, url, token, event, section, times] = process.argv.slice(2);
const openings = 5;

const browsers = await Promise.all([1, 2].map(() => chromium.launch({ executablePath, args: flags })));
try {
  const bytes = await countBytes(await browsers[0].newContext({ viewport: { width: 375, height: 812 } }));
  const pages = await Promise.all(browsers.map((browser) => browser.newPage({ viewport: { width: 1280, height: 800 } })));
  for (const page of pages) await page.addInitScript(recordDrawings);
  const drawn = [];
  for (let i = 0; i < openings; i++) for (const page of pages) drawn.push(await openMap(page)); // one after the other: each has a visitor's machine
  const grey = await takeSeats(pages);
  console.log(JSON.stringify({ bytes, drawn, grey }));
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
}

// countBytes returns the bytes that a phone loads from the list of events until seats are held.
async function countBytes(context) {
  const page = await context.newPage();
  const traffic = await measureTraffic(context, page);
  await page.goto(url);
  await page.goto(`${url}/events/${event}`);
  await page.getByLabel('Floor').selectOption('2');
  await page.getByRole('button', { name: 'Reserve' }).click();
  await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
  await page.waitForLoadState('load');
  await context.close();
  return traffic().bytes;
}

// recordDrawings notes, in a page, which version of the seats is shown since when, and when the map was asked for.
function recordDrawings() {
  window.drawings = [];
  new MutationObserver((changes) => {
    const version = Number(changes[0].target.dataset.drawn);
    requestAnimationFrame(() => window.drawings.push({ version, at: performance.timeOrigin + performance.now() })); // when it has been painted
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-drawn'] });
  document.addEventListener('click', () => (window.asked = performance.timeOrigin + performance.now()), true);
}

// openMap returns how long the map takes from the press of the button until it is painted, in milliseconds.
async function openMap(page) {
  await page.goto(`${url}/events/${event}`);
  await page.locator(`[data-section="${section}"]`).getByRole('button', { name: 'Choose seats' }).click();
  const { at } = await awaitDrawing(page, 0);
  return at - (await page.evaluate(() => window.asked));
}

function awaitDrawing(page, after) {
  return page.evaluate(
    (version) =>
      new Promise((resolve) => {
        const look = () => {
          const found = window.drawings.find((drawing) => drawing.version > version);
          return found ? resolve(found) : setTimeout(look, 5);
        };
        look();
      }),
    after,
  );
}

// takeSeats reserves seats, one by one, and returns how long each takes from the request until it is painted grey, in each browser.
async function takeSeats(pages) {
  const grey = [];
  let { version } = await awaitDrawing(pages[0], 0);
  for (let i = 0; i < Number(times); i++) {
    const asked = Date.now();
    await reserve(`R${1 + (i % 100)}-${1 + Math.floor(i / 100)}`);
    const seen = await Promise.all(pages.map((page) => awaitDrawing(page, version)));
    for (const { at } of seen) grey.push(at - asked);
    version = Math.max(...seen.map((drawing) => drawing.version));
  }
  return grey;
}

async function reserve(seat) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({
      query: 'mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { message } } }',
      variables: { i: { eventId: event, items: [{ section, seats: [seat] }], idempotencyKey: crypto.randomUUID() } },
    }),
  });
  const { data } = await response.json();
  if (data?.reserveSeats.userErrors.length !== 0) throw new Error(`${seat} is not reserved: ${JSON.stringify(data)}`);
}
