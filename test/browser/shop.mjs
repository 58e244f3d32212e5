// Buys tickets as people do: on a phone, by keyboard alone, enlarged, and without JavaScript; and sees what becomes of orders.
//   node shop.mjs CHROMIUM URL PICTURES TOKEN GIVEN
// The events in GIVEN are onSale, free, oneTry, rainy, soldOut, notYet, soon, cancelled, laidOut.
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

import { measureTraffic, withBrowser } from './browser.mjs';
import { call, control, desk, executable, given, hold, inspect, patience, phone, press, reserve, sideways, step, tabTo, url } from './visitor.mjs';

const { onSale, free, oneTry, rainy, soldOut, notYet, soon, cancelled, laidOut } = given.events;
const name = 'Ann Müller';

// isDrawn reports, in a page, whether the map has something at a point.
function isDrawn({ x, y }) {
  const canvas = document.querySelector('.picker canvas');
  const scale = canvas.width / canvas.clientWidth;
  return canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data[3] > 0;
}

await withBrowser(executable, url, async (context) => {
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.setViewportSize(phone);

  await step('a list of what is on', async () => {
    await page.goto(url);
    await page.getByRole('link', { name: /First night/ }).waitFor();
    await inspect(page, '1-list');
  });

  await step('a purchase by keyboard alone', () => buyByKeyboard(page, inspect));

  const bought = new URL(page.url()).pathname.split('/').pop();

  await step('nothing scrolls sideways at 320 px', async () => {
    for (const address of ['/', `/events/${onSale}`, `/orders/${bought}`]) {
      await page.goto(url + address);
      await page.setViewportSize({ width: 320, height: 400 }); // 640 px at 200 %, and what WCAG asks for
      assert.equal(await sideways(page), 0, `${address} scrolls sideways`);
      await page.setViewportSize(phone);
    }
  });

  await step('counts change while the page is open', async () => {
    await page.goto(`${url}/events/${onSale}`);
    const left = page.locator('[data-section=Floor] .left');
    const before = await left.innerText();
    await reserve(onSale, { section: 'Floor', quantity: 1 });
    await page.waitForFunction((text) => document.querySelector('[data-section=Floor] .left').innerText !== text, before);
  });

  await step('seats are chosen on a map, and one that others take turns grey', async () => {
    await page.goto(`${url}/events/${onSale}`);
    await page.getByRole('button', { name: 'Choose seats' }).click();
    const canvas = page.locator('.picker canvas[data-drawn]');
    await canvas.waitFor();
    const { width, height } = await canvas.boundingBox();
    const chosen = page.locator('.picker .chosen');
    await canvas.click({ position: { x: width / 2, y: height / 2 } });
    await page.waitForFunction(() => /^\w+-\d+$/.test(document.querySelector('.picker .chosen').innerText));
    const lost = await chosen.innerText();
    await inspect(page, '6-seats');
    const drawn = await canvas.getAttribute('data-drawn');
    const took = Date.now();
    await reserve(onSale, { section: 'Balcony', seats: [lost] });
    await page.getByText(`Seat ${lost} was just taken`).waitFor();
    console.log(`  a seat turned grey ${Date.now() - took} ms after it was asked for`);
    assert.equal(await chosen.innerText(), 'none yet');
    await page.waitForFunction((before) => Number(document.querySelector('.picker canvas').dataset.drawn) > Number(before), drawn);
    await page.getByLabel('Row', { exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    const mine = await chosen.innerText();
    assert.equal(await page.evaluate(() => document.activeElement.innerText), mine, 'the keyboard chooses too');
    await page.getByRole('button', { name: 'Reserve' }).click();
    await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
    await page.getByText(`seat ${mine}`).first().waitFor();
    await page.getByRole('button', { name: 'Give the seats back' }).click();
    await page.getByRole('heading', { name: 'You gave the seats back' }).waitFor();
  });

  await step('seats are where the layout of their rows says', async () => {
    await page.setViewportSize(desk);
    await page.goto(`${url}/events/${laidOut}`);
    await page.getByRole('button', { name: 'Choose seats' }).click();
    const canvas = page.locator('.picker canvas[data-drawn]');
    await canvas.waitFor();
    const { width, height } = await canvas.boundingBox();
    const [left, top, right, bottom] = [-3, -1, 3 + 4 * Math.SQRT1_2, 4 * Math.SQRT1_2]; // what the rows take, as the test lays them out
    const pitch = width / (right - left + 2); // there is a seat's width around it
    assert.ok(Math.abs(height / pitch - (bottom - top + 2)) < 0.01, `the map is ${width} by ${height}`);
    const at = (x, y) => ({ x: (x - left + 1) * pitch, y: (y - top + 1) * pitch });
    const chosen = page.locator('.picker .chosen');
    for (const [label, x, y] of [
      ['A-1', -3, -1],
      ['B-1', 3, 0],
      ['B-5', 3 + 4 * Math.SQRT1_2, 4 * Math.SQRT1_2], // 45 degrees, four seats further
      ['C-4', 0, -1], // up from 0, 2
    ]) {
      assert.ok(await page.evaluate(isDrawn, at(x, y)), `nothing is drawn where ${label} is`);
      await canvas.click({ position: at(x, y) });
      await page.waitForFunction((text) => document.querySelector('.picker .chosen').innerText === text, label);
      await canvas.click({ position: at(x, y) });
      await page.waitForFunction(() => document.querySelector('.picker .chosen').innerText === 'none yet');
    }
    assert.ok(!(await page.evaluate(isDrawn, at(-3, 2))), 'nothing is drawn where no row is');
    await canvas.click({ position: at(-3, 2) });
    assert.equal(await chosen.innerText(), 'none yet');
    await inspect(page, '6-layout');
    await page.setViewportSize(phone);
  });

  await step('the bank asks first', async () => {
    await hold(page, onSale, 1);
    await page.getByLabel(/3-D Secure/).check();
    await page.getByRole('button', { name: /^Pay/ }).click();
    await page.getByRole('heading', { name: 'Please confirm the payment' }).waitFor();
    await inspect(page, '6-confirm');
    await page.getByRole('button', { name: /^Go on/ }).click();
    await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
  });

  await step('free tickets need no card', async () => {
    await hold(page, free, 1);
    await inspect(page, '7-free');
    await page.getByRole('button', { name: 'Get the tickets' }).click();
    await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
  });

  await step('seats are given back', async () => {
    await hold(page, onSale, 1);
    await page.getByRole('button', { name: 'Give the seats back' }).click();
    await page.getByRole('heading', { name: 'You gave the seats back' }).waitFor();
    await inspect(page, '8-given-back');
  });

  await step('pages of what can not be bought', async () => {
    for (const [name, id, says] of [['sold-out', soldOut, 'Sold out'], ['not-yet', notYet, 'Not on sale yet'], ['cancelled', cancelled, 'Cancelled']]) {
      await page.goto(`${url}/events/${id}`);
      await page.getByRole('heading', { name: says }).waitFor();
      await inspect(page, `9-${name}`);
    }
    await page.goto(`${url}/events/evt_00000000000000000000000000`);
    await inspect(page, '9-not-found');
  });

  await step('what others were faster with is explained on the same page', async () => {
    await page.goto(`${url}/events/${oneTry}`);
    await page.getByLabel('Floor').selectOption('2');
    await reserve(oneTry, { section: 'Floor', quantity: 3 });
    await page.getByRole('button', { name: 'Reserve' }).click();
    await page.getByText('There are not that many tickets left').waitFor();
    await inspect(page, '9-taken');
  });

  await step('a card that is declined for the last time ends the order', async () => {
    await hold(page, oneTry, 1);
    await pay(page, /Declined/);
    await page.getByRole('heading', { name: 'The payment was declined' }).waitFor();
    await inspect(page, '16-declined-for-good');
    await page.getByRole('link', { name: 'Reserve again' }).click();
    await page.getByRole('button', { name: 'Reserve' }).waitFor();
  });

  await step('a bank that takes its time', async () => {
    await hold(page, onSale, 1);
    await pay(page, /takes its time/);
    await page.getByRole('heading', { name: 'We are asking your bank' }).waitFor();
    await inspect(page, '17-processing');
    await until(page, 'Here are your tickets', '10s');
  });

  await step('an event is cancelled while its tickets are held', async () => {
    const choosing = await context.newPage();
    await choosing.goto(`${url}/events/${rainy}`);
    await choosing.getByRole('button', { name: 'Reserve' }).waitFor();
    await hold(page, rainy, 1);
    await call('mutation($id: ID!) { cancelEvent(input: { eventId: $id, reason: "Rain" }) { userErrors { message } } }', { id: rainy });
    await page.getByRole('heading', { name: 'The event was cancelled' }).waitFor();
    await inspect(page, '18-event-cancelled');
    await choosing.getByRole('heading', { name: 'Cancelled' }).waitFor();
    await choosing.close();
  });

  await step('a hold that ends gives the seats back', async () => {
    await hold(page, onSale, 1);
    await until(page, 'Your seats were released', '1m');
    await inspect(page, '19-expired');
  });

  await step('signing in finds the orders of the guest, and ends the session of another browser', async () => {
    await page.goto(`${url}/account`);
    await inspect(page, '10-account-of-a-guest');
    await page.getByRole('link', { name: 'Sign in' }).first().click();
    await inspect(page, '11-sign-in');
    await page.getByLabel('Mail address').fill('ann@example.com');
    await page.getByRole('button', { name: 'Mail me a link' }).click();
    await inspect(page, '12-check-your-mail');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('You are signed in as ann@example.com').waitFor();
    assert.ok((await page.locator('.event').count()) >= 4);

    const elsewhere = await (await context.browser().newContext()).newPage();
    await signIn(elsewhere, 'ann@example.com');
    await page.reload();
    await inspect(page, '13-account');
    await page.getByRole('button', { name: /^Sign out there/ }).click();
    await page.getByRole('button', { name: /^Sign out there/ }).waitFor({ state: 'detached' });
    await elsewhere.goto(`${url}/account`);
    await elsewhere.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByRole('link', { name: /First night.*Tickets/s }).first().click();
    await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
  });

  await step('a refund shows by itself', async () => {
    await page.goto(`${url}/orders/${bought}`);
    const { reservation } = await call('query($id: ID!) { reservation(id: $id) { payments { id status } } }', { id: bought });
    const paid = reservation.payments.find((p) => p.status === 'COMPLETED');
    await call('mutation($i: RefundPaymentInput!) { refundPayment(input: $i) { userErrors { message } } }', {
      i: { paymentId: paid.id, idempotencyKey: crypto.randomUUID() },
    });
    await page.getByRole('heading', { name: 'Your money is on its way back' }).waitFor();
    await inspect(page, '14-refunded');
  });

  await step('in German', async () => {
    await page.goto(`${url}/events/${onSale}`);
    await page.getByRole('link', { name: 'Deutsch' }).click();
    await page.getByRole('button', { name: 'Reservieren' }).waitFor();
    await inspect(page, '15-german');
  });

  await step('erasing oneself', async () => {
    await page.goto(`${url}/account`);
    await page.getByLabel('I want to be erased').check();
    await page.getByRole('button', { name: 'Erase me' }).click();
    await page.getByRole('heading', { name: 'You are erased' }).waitFor();
    await inspect(page, '20-erased');
    await page.goto(`${url}/account`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  await step('a countdown to the sale, by the clock of the server, which opens the page', async () => {
    const wrong = await context.newPage();
    await wrong.setViewportSize(phone);
    await wrong.clock.install({ time: new Date('2031-05-05T05:05:05Z') }); // the clock of the visitor's device
    await wrong.goto(`${url}/events/${soon}`);
    const left = wrong.locator('.countdown');
    await left.waitFor();
    assert.match(await left.innerText(), /^\d\d:\d\d$/, 'less than an hour');
    await inspect(wrong, '21-soon');
    await control('clock', { by: '1h' });
    await eventually(async () => (await call('query($id: ID!) { event(id: $id) { status } }', { id: soon })).event.status === 'SALES_OPEN');
    await wrong.clock.fastForward('01:00:00');
    await wrong.getByRole('button', { name: 'Reserve' }).waitFor();
  });
});

// What a phone loads until seats are held, and how the pages come up: the browser's own figures.
await withBrowser(
  executable,
  url,
  async (context) => {
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await step('until seats are held, pages stay within their budget', async () => {
      const traffic = await measureTraffic(context, page);
      await page.goto(url);
      await page.getByRole('link', { name: /First night/ }).click();
      await requireCalm(page);
      await page.getByLabel('Floor').selectOption('1');
      await page.getByRole('button', { name: 'Reserve' }).click();
      await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
      await requireCalm(page);
      const { requests, bytes } = traffic();
      console.log(`  ${requests} requests, ${bytes} bytes`);
      assert.ok(bytes <= 100 << 10, `${bytes} bytes until seats are held`);
      assert.ok(requests <= 20, `${requests} requests until seats are held`);
    });
  },
  { viewport: phone },
);

await withBrowser(
  executable,
  url,
  async (context) => {
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await step('a purchase by keyboard alone, at 200 %', async () => {
      await page.goto(url);
      await buyByKeyboard(page, async () => assert.equal(await sideways(page), 0, `${page.url()} scrolls sideways`));
    });
  },
  { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }, // a window of 1280 × 800, enlarged
);

await withBrowser(
  executable,
  url,
  async (context) => {
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await step('a purchase without JavaScript', async () => {
      await page.goto(url);
      await page.getByRole('link', { name: /First night/ }).click();
      assert.equal(await page.getByRole('button', { name: 'Choose seats' }).isVisible(), false, 'what can do nothing is not there');
      await page.getByLabel('Floor').selectOption('1');
      await page.getByRole('button', { name: 'Reserve' }).click();
      await page.getByText('Kept for you until').waitFor();
      await page.getByLabel('Name').fill('Bob');
      await page.getByLabel('Mail address').fill('bob@example.com');
      await page.getByLabel(/3-D Secure/).check();
      await page.getByRole('button', { name: /^Pay/ }).click();
      await page.getByRole('button', { name: /^Go on/ }).click();
      await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
      await page.getByRole('link', { name: 'My orders' }).click();
      await page.getByRole('link', { name: /First night/ }).click();
      await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
      assert.equal(await page.locator('svg.qr').count(), 1);
    });
  },
  { javaScriptEnabled: false, viewport: phone },
);

// buyByKeyboard buys two tickets, with a card that is declined first, and looks at each page.
async function buyByKeyboard(page, look) {
  await tabTo(page, /First night/);
  await press(page, 'Enter', /\/events\/first-night-/);
  await look(page, '2-event');
  await tabTo(page, /Floor/);
  await page.keyboard.press('2');
  await tabTo(page, /^Reserve$/);
  await press(page, 'Enter', /\/orders\/rsv_/);
  await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
  assert.match(await page.locator('.countdown').innerText(), /^(\d+:)?\d\d:\d\d$/, 'the countdown runs');
  await look(page, '3-held');
  await tabTo(page, /^Name$/);
  await page.keyboard.type(name);
  await tabTo(page, /^Mail address$/);
  await page.keyboard.type('ann@example.com');
  await tabTo(page, /Visa/);
  for (const _ of [1, 2]) await page.keyboard.press('ArrowDown');
  await tabTo(page, /^Pay €/);
  await press(page, 'Enter', /\/pay$/);
  await page.getByText('Your card was declined').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert', 'what went wrong has the focus');
  await look(page, '4-declined');
  await tabTo(page, /Declined/);
  for (const _ of [1, 2]) await page.keyboard.press('ArrowUp');
  await tabTo(page, /^Pay €/);
  await press(page, 'Enter', /\/orders\/rsv_\w+\?/);
  await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
  await look(page, '5-paid');
}

// pay fills in who pays, if asked, and pays what is held by a test card.
async function pay(page, card) {
  if (await page.getByLabel('Name').isVisible()) {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Mail address').fill('ann@example.com');
  }
  await page.getByLabel(card).check();
  await page.getByRole('button', { name: /^Pay/ }).click();
}

// signIn signs a browser in with the link that the page shows in tests.
async function signIn(page, address) {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Mail address').fill(address);
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`You are signed in as ${address}`).waitFor();
}

// requireCalm requires that nothing on the page moved while it came up, and that no script held it up.
async function requireCalm(page) {
  await page.waitForLoadState('load');
  const { shift, blocking, scripts } = await page.evaluate(
    () =>
      new Promise((resolve) => {
        let shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });
        const blocking = performance.getEntriesByType('resource').filter((entry) => entry.renderBlockingStatus === 'blocking');
        const scripts = document.querySelectorAll('script:not([type=module], [async], [defer])').length;
        // Entries of the past are delivered before the next frame but one.
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve({ shift, blocking: blocking.map((e) => e.name), scripts }), 100)));
      }),
  );
  assert.ok(shift < 0.01, `${page.url()} moves by ${shift} while it comes up`);
  assert.equal(scripts, 0, `${page.url()} has a script that holds it up`);
  assert.ok(blocking.every((address) => address.endsWith('.css')) && blocking.length <= 1, `${page.url()} waits for ${blocking}`);
}

// until moves the server's clock, step by step, until the page has the heading by itself.
async function until(page, heading, by) {
  await eventually(async () => {
    if (await page.getByRole('heading', { name: heading }).isVisible()) return true;
    await control('clock', { by });
    return false;
  });
}

async function eventually(isSo) {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await pause(200)) if (await isSo()) return;
  throw new Error(`it never came true: ${isSo}`);
}
