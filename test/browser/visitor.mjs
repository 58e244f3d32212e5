// What visitors of the shop do, and what is looked at on their way. The arguments of the program are
//   CHROMIUM URL PICTURES TOKEN GIVEN
// TOKEN is an admin's session; GIVEN is JSON with what the test made: the ids of events, and the address of its control.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { flaws } from './browser.mjs';

export const [executable, url, pictures, token] = process.argv.slice(2);
export const given = JSON.parse(process.argv[6]);
export const patience = 60_000;
export const phone = { width: 375, height: 812 };
export const desk = { width: 1280, height: 800 };

export async function step(name, act) {
  console.log(name);
  await act();
}

// press presses a key that leads to a page.
export async function press(page, key, address) {
  await Promise.all([page.waitForURL(address), page.keyboard.press(key)]);
}

// tabTo presses Tab until the element with the name has the focus. What has it on the way must be visible, whatever the page scrolls.
export async function tabTo(page, name) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const [focused, visible] = await page.evaluate(() => {
      const e = document.activeElement;
      const [{ x, y, width, height }] = e.getClientRects();
      const top = document.elementFromPoint(x + width / 2, y + height / 2);
      return [(e.labels?.[0]?.innerText ?? e.innerText ?? '').trim(), e === document.body || e.contains(top)];
    });
    assert.ok(visible, `what has the focus can not be seen: ${focused}`);
    if (name.test(focused)) return;
  }
  throw new Error(`the keyboard does not reach ${name}`);
}

// hold reserves tickets of the event's first section, as the page's visitor.
export async function hold(page, event, quantity) {
  await page.goto(`${url}/events/${event}`);
  await page.getByLabel('Floor').selectOption(String(quantity));
  await page.getByRole('button', { name: 'Reserve' }).click();
  await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
}

// control asks the test for what a page can't do: control('clock', { by: '1m' }).
export async function control(what, values = {}) {
  const response = await fetch(`${given.control}/${what}?${new URLSearchParams(values)}`, { method: 'POST' });
  assert.equal(response.status, 200, what);
}

// call executes an operation as the admin.
export async function call(query, variables) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

export function reserve(eventId, item) {
  return call('mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { userErrors { message } } }', {
    i: { eventId, items: [item], idempotencyKey: crypto.randomUUID() },
  });
}

// sideways returns by how many pixels the page scrolls to the side.
export function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

// inspect takes pictures of the page on a phone, on a desk, and in the dark, and checks that it is accessible.
export async function inspect(page, name) {
  const here = page.viewportSize();
  for (const [kind, size, colorScheme] of [['-375', phone, 'light'], ['-1280', desk, 'light'], ['-dark', phone, 'dark']]) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await flaws(page), [], `${name}${kind}`);
    assert.equal(await sideways(page), 0, `${name}${kind} scrolls sideways`);
    await page.screenshot({ path: join(pictures, `shop-${name}${kind}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(here);
}
