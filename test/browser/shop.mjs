// Buys tickets as people do: on a phone, by keyboard alone, and without JavaScript.
//   node shop.mjs CHROMIUM URL PICTURES TOKEN EVENTS
// TOKEN is an admin's session; EVENTS is JSON with the ids of events: onSale, free, soldOut, notYet, cancelled.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { flaws, withBrowser } from './browser.mjs';

const [executable, url, pictures, token, events] = process.argv.slice(2);
const { onSale, free, soldOut, notYet, cancelled } = JSON.parse(events);
const patience = 60_000;
const phone = { width: 375, height: 812 };
const desk = { width: 1280, height: 800 };

await withBrowser(executable, url, async (context) => {
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  await page.setViewportSize(phone);

  await step('a list of what is on', async () => {
    await page.goto(url);
    await page.getByRole('link', { name: /First night/ }).waitFor();
    await inspect(page, '1-list');
  });

  await step('a purchase by keyboard alone', async () => {
    await tabTo(page, /First night/);
    await press(page, 'Enter', /\/events\/first-night-/);
    await inspect(page, '2-event');
    await tabTo(page, /Floor/);
    await page.keyboard.press('2');
    await tabTo(page, /^Reserve$/);
    await press(page, 'Enter', /\/orders\/rsv_/);
    await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
    assert.match(await page.locator('.countdown').innerText(), /^\d\d:\d\d$/, 'the countdown runs');
    await inspect(page, '3-held');
    await tabTo(page, /^Name$/);
    await page.keyboard.type('Ann Müller');
    await tabTo(page, /^Mail address$/);
    await page.keyboard.type('ann@example.com');
    await tabTo(page, /Visa/);
    for (const _ of [1, 2]) await page.keyboard.press('ArrowDown');
    await tabTo(page, /^Pay €/);
    await press(page, 'Enter', /\/pay$/);
    await page.getByText('Your card was declined').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert', 'what went wrong has the focus');
    await inspect(page, '4-declined');
    await tabTo(page, /Declined/);
    for (const _ of [1, 2]) await page.keyboard.press('ArrowUp');
    await tabTo(page, /^Pay €/);
    await press(page, "Enter", /\/orders\/rsv_\w+\?/);
    await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
    await inspect(page, '5-paid');
  });

  const bought = new URL(page.url()).pathname.split('/').pop();

  await step('nothing scrolls sideways at 320 px', async () => {
    for (const address of ['/', `/events/${onSale}`, `/orders/${bought}`]) {
      await page.goto(url + address);
      await page.setViewportSize({ width: 320, height: 400 }); // 640 px at 200 %, and what WCAG asks for
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${address} scrolls sideways by ${wide} px`);
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
    const took = Date.now();
    await reserve(onSale, { section: 'Balcony', seats: [lost] });
    await page.getByText(`Seat ${lost} was just taken`).waitFor();
    console.log(`  a seat turned grey ${Date.now() - took} ms after it was asked for`);
    assert.equal(await chosen.innerText(), 'none yet');
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

  await step('signing in finds the orders of the guest', async () => {
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
    await inspect(page, '13-account');
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
});

await withBrowser(
  executable,
  url,
  async (context) => {
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await step('a purchase without JavaScript', async () => {
      await page.goto(url);
      await page.getByRole('link', { name: /First night/ }).click();
      await page.getByLabel('Floor').selectOption('1');
      await page.getByRole('button', { name: 'Reserve' }).click();
      await page.getByText('Kept for you until').waitFor();
      await page.getByLabel('Name').fill('Bob');
      await page.getByLabel('Mail address').fill('bob@example.com');
      await page.getByLabel(/Visa/).check();
      await page.getByRole('button', { name: /^Pay/ }).click();
      await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
    });
  },
  { javaScriptEnabled: false, viewport: phone },
);

async function step(name, act) {
  console.log(name);
  await act();
}

// press presses a key that leads to a page.
async function press(page, key, address) {
  await Promise.all([page.waitForURL(address), page.keyboard.press(key)]);
}

// tabTo presses Tab until the element with the name has the focus.
async function tabTo(page, name) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const e = document.activeElement;
      return (e.labels?.[0]?.innerText ?? e.innerText ?? '').trim();
    });
    if (name.test(focused)) return;
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

// hold reserves tickets of the event's first section, as the page's visitor.
async function hold(page, event, quantity) {
  await page.goto(`${url}/events/${event}`);
  await page.getByLabel('Floor').selectOption(String(quantity));
  await page.getByRole('button', { name: 'Reserve' }).click();
  await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
}

// call executes an operation as the admin.
async function call(query, variables) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

function reserve(eventId, item) {
  return call('mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { message } } }', {
    i: { eventId, items: [item], idempotencyKey: crypto.randomUUID() },
  });
}

// inspect takes pictures of the page on a phone, on a desk, and in the dark, and checks that it is accessible.
async function inspect(page, name) {
  const here = page.viewportSize();
  for (const [kind, size, colorScheme] of [['-375', phone, 'light'], ['-1280', desk, 'light'], ['-dark', phone, 'dark']]) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await flaws(page), [], `${name}${kind}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name}${kind} scrolls sideways by ${wide} px`);
    await page.screenshot({ path: join(pictures, `shop-${name}${kind}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(here);
}
