// Signs in by mail and works with GraphiQL, as a user would:
//   node graphiql.mjs CHROMIUM URL MAILS PICTURES ADMIN CUSTOMER
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { flaws, withBrowser } from './browser.mjs';
import { takeLink } from './mail.mjs';

const [executable, url, mails, pictures, admin, customer] = process.argv.slice(2);
const patience = 90_000;
const seen = new Set(await readdir(mails));

await withBrowser(executable, url, async (context) => {
  context.setDefaultTimeout(patience);
  let page = await context.newPage();

  await step('signed out, GraphiQL redirects to the sign-in page', async () => {
    await page.goto(`${url}/graphiql`);
    isAt(page, '/auth/sign-in');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'email');
    await inspect(page, 'sign-in');
  });

  await step('an invalid mail address is refused', async () => {
    await page.getByLabel('Mail address').fill('some..body@example.com');
    await page.keyboard.press('Enter');
    await page.getByText('This is not a mail address').waitFor();
    assert.equal(await page.getByLabel('Mail address').getAttribute('aria-invalid'), 'true');
  });

  await step('a customer signs in, and the page says that GraphiQL is for admins', async () => {
    page = await signIn(context, page, customer);
    await page.getByText(`You are signed in as ${customer}, who is not an admin`).waitFor();
    isAt(page, '/auth/sign-in');
    await inspect(page, 'not-an-admin');
  });

  await step('an admin signs in and reaches GraphiQL', async () => {
    page = await signIn(context, page, admin);
    await page.getByRole('button', { name: 'Execute query' }).waitFor();
    await page.getByText(admin).waitFor();
    isAt(page, '/graphiql');
  });

  await step('a query shows its result', async () => {
    await execute(page, 'Who is signed in', `"email": "${admin}"`);
    await inspect(page, 'graphiql', '.examples', '.session');
  });

  await step('mutations act on the event that the first one created', async () => {
    await execute(page, 'Create an event', '"status": "DRAFT"');
    await execute(page, 'Add numbered seats and general admission', '"capacity": 500');
    await execute(page, 'Publish it and open sales', '"status": "SALES_OPEN"');
  });

  await step('a subscription shows what another session does', async () => {
    await execute(page, 'Watch an event sell', '"reserved": 0');
    const other = await context.newPage();
    await other.goto(`${url}/auth/sign-in`);
    await other.getByRole('link', { name: 'Open GraphiQL' }).click();
    await other.getByRole('button', { name: 'Execute query' }).waitFor();
    await reserve(other, await eventOf(page), 'Stalls', 3);
    await other.close();
    await expectResponse(page, '"reserved": 3');
    await inspect(page, 'subscription', '.examples', '.session');
    await page.getByRole('button', { name: 'Stop query' }).click();
  });

  await step('a purchase and its refund', async () => {
    await execute(page, 'Reserve the best seats', '"status": "SEATS_RESERVED"');
    await execute(page, 'Pay a reservation', '"status": "COMPLETED"');
    await execute(page, 'Refund a payment', '"status": "PENDING"');
    await execute(page, 'Read the audit log', '"type": "ReservationInitiated"');
    await execute(page, 'See how an event sells', '"section": "Stalls"');
  });

  await step('signing out leads to the sign-in page', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Mail address').waitFor();
    isAt(page, '/auth/sign-in');
  });
});

async function step(name, act) {
  console.log(name);
  await act();
}

function isAt(page, path) {
  assert.equal(new URL(page.url()).pathname, path);
}

// signIn requests a link on a page, opens it in a new tab and returns the tab. The link works only once.
async function signIn(context, page, address) {
  await page.getByLabel('Mail address').fill(address);
  await page.keyboard.press('Enter');
  await page.getByText(`a link is on its way to ${address}`).waitFor();
  await inspect(page, 'check-your-mail');
  const link = await takeLink(mails, address, seen, patience);
  const tab = await open(context, link);
  assert.equal(new URL(tab.url()).hash, '', 'the token does not stay in the address bar');
  await inspect(tab, 'verify');
  await tab.keyboard.press('Enter'); // the button has the focus
  await tab.waitForURL((now) => now.pathname !== '/auth/verify');
  await page.close();

  const again = await open(context, link);
  await again.getByText('This link has been used or is out of date').waitFor();
  await again.close();
  return tab;
}

async function open(context, address) {
  const tab = await context.newPage();
  await tab.goto(address);
  return tab;
}

// execute opens an example, presses the button and waits for a text in the response.
async function execute(page, example, expected) {
  await page.getByRole('button', { name: example }).click();
  await page.getByRole('button', { name: 'Execute query' }).click();
  await expectResponse(page, expected);
}

async function expectResponse(page, expected) {
  await page.waitForFunction(
    (text) => document.querySelector('.graphiql-response .view-lines')?.innerText.replaceAll('\u00a0', ' ').includes(text),
    expected,
  );
}

// eventOf returns the event id in the tab's variables.
async function eventOf(page) {
  const variables = await page.locator('.graphiql-editor-tool .view-lines').first().innerText();
  return variables.match(/evt_[0-9a-z]{26}/)[0];
}

// reserve acts in the page's session, without GraphiQL.
async function reserve(page, eventId, section, quantity) {
  const result = await page.evaluate(
    async (input) => {
      const response = await fetch('/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
        body: JSON.stringify({
          query: 'mutation($input: ReserveSeatsInput!) { reserveSeats(input: $input) { userErrors { code } } }',
          variables: { input },
        }),
      });
      return response.json();
    },
    { eventId, items: [{ section, quantity }] },
  );
  assert.deepEqual(result.data.reserveSeats.userErrors, []);
}

// inspect takes screenshots of a wide window, light and dark, and of a phone's, and checks that the parts (default: the page) are accessible.
async function inspect(page, name, ...parts) {
  const at = async (kind) => {
    await page.screenshot({ path: join(pictures, `${name}${kind}.png`) });
    assert.deepEqual(await flaws(page, ...parts), [], `${name}${kind}`);
  };
  await at('');
  await page.emulateMedia({ colorScheme: 'dark' });
  await at('-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  await at('-narrow');
  await page.setViewportSize({ width: 1280, height: 800 });
}
