// Pays in Stripe's form for cards and on PayPal's page. Stripe can't be reached here: its library and frames come from this program, and its
// server is the test's double, as PayPal's is.
//   node pay.mjs CHROMIUM URL PICTURES TOKEN GIVEN
// GIVEN has the event onSale and the origin of PayPal's pages.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { withBrowser } from './browser.mjs';
import { control, executable, given, hold, inspect, patience, phone, step, url } from './visitor.mjs';

const { onSale } = given.events;
const stripe = ['https://js.stripe.com', 'https://api.stripe.com', 'https://hooks.stripe.com'];
const library = await readFile(new URL('stripe.js', import.meta.url), 'utf8');
const cards = { 4242424242424242: 'pm_card_visa', 4000000000009995: 'pm_card_visa_chargeDeclinedInsufficientFunds', 4000002760003184: 'pm_card_authenticationRequired' };
const cardFrame = `<!doctype html><title>Card</title><label>Card number <input></label>
  <script>document.querySelector('input').addEventListener('input', (e) => parent.postMessage(e.target.value, '*'))</script>`;
const bankFrame = `<!doctype html><title>Bank</title><button>Complete</button> <button>Fail</button> <button>Hang up</button>
  <script>for (const b of document.querySelectorAll('button')) b.addEventListener('click', () => parent.postMessage(b.textContent, '*'))</script>`;

let reachable = true; // Stripe's library

async function serveStripe(route) {
  const request = route.request();
  const { pathname } = new URL(request.url());
  const show = (body) => route.fulfill({ contentType: 'text/html', body });
  const answer = (body) => route.fulfill({ json: body, headers: { 'Access-Control-Allow-Origin': '*' } });
  const sent = Object.fromEntries(new URLSearchParams(request.postData() ?? ''));
  switch (pathname) {
    case '/v3/':
      return reachable ? route.fulfill({ contentType: 'text/javascript', body: library }) : route.fulfill({ status: 404 });
    case '/v3/card.html':
      return show(cardFrame);
    case '/3d.html':
      return show(bankFrame);
    case '/v1/payment_methods':
      return answer(cards[sent.number] ? { paymentMethod: { id: cards[sent.number] } } : { error: { message: 'Your card number is invalid.' } });
    case '/v1/authentications':
      if (sent.choice === 'Hang up') return answer({ error: { type: 'api_connection_error', message: 'Stripe could not be reached.' } });
      await control('authenticate', { secret: sent.clientSecret, ok: sent.choice === 'Complete' });
      return answer(sent.choice === 'Complete' ? { paymentIntent: {} } : { error: { type: 'invalid_request_error', message: 'It failed.' } });
  }
  return route.fulfill({ status: 404 });
}

const options = { others: [...stripe, given.payPal], viewport: phone };

await withBrowser(
  executable,
  url,
  async (context) => {
    context.setDefaultTimeout(patience);
    for (const origin of stripe) await context.route(`${origin}/**`, serveStripe);
    const page = await context.newPage();
    const number = () => page.frameLocator('.card-form iframe').getByLabel('Card number');
    const payButton = () => page.getByRole('button', { name: /^Pay €[\d.]+$/ });
    const tickets = () => page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();

    await step('only pages of payments may load what Stripe needs', async () => {
      for (const [address, may] of [['/', false], [`/events/${onSale}`, false], ['/account', false]]) {
        const response = await page.goto(url + address);
        assert.equal(response.headers()['content-security-policy'].includes('stripe.com'), may, address);
      }
    });

    await step('a card is paid with in a form of Stripe’s', async () => {
      await hold(page, onSale, 1);
      await page.getByLabel('Name').fill('Ann Müller');
      await page.getByLabel('Mail address').fill('ann@example.com');
      await payButton().click();
      await page.getByText('Your card number is incomplete.').waitFor();
      await number().fill('4000000000009995');
      await inspect(page, '30-card');
      await payButton().click();
      await page.getByText('Your card has insufficient funds.').waitFor();
      await number().fill('1234');
      await payButton().click();
      await page.getByText('Your card number is invalid.').waitFor();
      await number().fill('4242424242424242');
      await payButton().click();
      await tickets();
    });

    await step('the bank asks first', async () => {
      await hold(page, onSale, 1);
      await number().fill('4000002760003184');
      await payButton().click();
      const bank = page.frameLocator('dialog iframe');
      await bank.getByRole('button', { name: 'Hang up' }).click();
      await page.getByText('Stripe could not be reached.').waitFor();
      await inspect(page, '31-bank');
      await page.getByRole('button', { name: /^Go on/ }).click();
      await bank.getByRole('button', { name: 'Complete' }).click();
      await tickets();
    });

    await step('after a reload the bank can still be asked', async () => {
      await hold(page, onSale, 1);
      await number().fill('4000002760003184');
      await payButton().click();
      const bank = page.frameLocator('dialog iframe');
      await bank.getByRole('button', { name: 'Complete' }).waitFor();
      await page.goto(page.url().replace(/\/pay$/, ''));
      await page.getByRole('button', { name: /^Go on/ }).click();
      await bank.getByRole('button', { name: 'Fail' }).click();
      await page.getByRole('heading', { name: 'That did not work' }).waitFor();
      await number().fill('4242424242424242');
      await payButton().click();
      await tickets();
    });

    await step('without Stripe’s library there is PayPal', async () => {
      reachable = false;
      await hold(page, onSale, 1);
      await page.getByText('The form for cards could not be loaded').waitFor();
      await inspect(page, '32-no-library');
      reachable = true;
    });

    await step('turning back at PayPal', async () => {
      await page.getByRole('button', { name: /with PayPal/ }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByText('You came back without paying').waitFor();
      await inspect(page, '33-turned-back');
      await page.getByRole('button', { name: 'Pay in another way' }).click();
      await page.getByRole('heading', { name: 'Your seats are reserved' }).waitFor();
    });

    await step('PayPal can not be reached', async () => {
      await control('paypal-down');
      await page.getByRole('button', { name: /with PayPal/ }).click();
      await page.getByText('The payment service could not be reached. You were not charged.').waitFor();
      await control('paypal-up');
    });

    await step('a card that PayPal’s customer has is declined', async () => {
      await page.getByRole('button', { name: /with PayPal/ }).click();
      await page.getByRole('button', { name: /card that is declined/ }).click();
      await page.getByRole('button', { name: /^Go on/ }).click();
      await page.getByRole('heading', { name: 'That did not work' }).waitFor();
    });

    await step('a purchase with PayPal', async () => {
      await page.getByRole('button', { name: /with PayPal/ }).click();
      await page.getByRole('button', { name: 'Approve', exact: true }).click();
      await page.getByRole('heading', { name: 'Please confirm the payment' }).waitFor();
      await inspect(page, '34-approved');
      await page.getByRole('button', { name: /^Go on/ }).click();
      await tickets();
    });
  },
  options,
);

await withBrowser(
  executable,
  url,
  async (context) => {
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    await step('without JavaScript the page says what a card needs, and PayPal works', async () => {
      await hold(page, onSale, 1);
      assert.match(await page.locator('noscript .notice').innerText(), /^Paying by card needs JavaScript.*PayPal works without\.$/);
      assert.equal(await page.getByRole('button', { name: /^Pay €[\d.]+$/ }).isVisible(), false);
      await page.getByLabel('Name').fill('Bob');
      await page.getByLabel('Mail address').fill('bob@example.com');
      await page.getByRole('button', { name: /with PayPal/ }).click();
      await page.getByRole('button', { name: 'Approve', exact: true }).click();
      await page.getByRole('button', { name: /^Go on/ }).click();
      await page.getByRole('heading', { name: 'Here are your tickets' }).waitFor();
    });
  },
  { ...options, javaScriptEnabled: false },
);
