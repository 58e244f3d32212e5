// Asks for a card in Stripe's own form, so that its number never reaches this server, and has the bank ask what it wants to know (3-D Secure).
const address = 'https://js.stripe.com/v3/'; // Stripe's library may come from nowhere else
const box = document.querySelector('[data-stripe]');
const form = box?.closest('form');

function say(text) {
  box.querySelector('.wrong').textContent = text;
}

function loadLibrary() {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = address;
    script.addEventListener('load', () => resolve(window.Stripe(box.dataset.stripe, { locale: document.documentElement.lang })));
    script.addEventListener('error', () => reject(new Error(`${address} can't be loaded`)));
    document.head.append(script);
  });
}

// send sends the form with one more field. Browsers report that (to order.js) only after a press of a button.
function send(name, value) {
  form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
  dispatchEvent(new Event('submit'));
  form.submit();
}

// attempt does what a press of the button leads to, once at a time. act returns what the customer reads if it comes to nothing.
async function attempt(act) {
  const button = box.querySelector('button');
  button.disabled = true;
  say('');
  try {
    const wrong = await act();
    if (!wrong) return; // the form is under way
    say(wrong);
  } catch {
    say(box.dataset.failed);
  }
  button.disabled = false;
}

// look is what Stripe's form has of the page.
function look() {
  const style = getComputedStyle(document.documentElement);
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  return { theme: dark ? 'night' : 'stripe', variables: { fontFamily: style.fontFamily, borderRadius: '6px' } };
}

function askForCard(stripe) {
  const elements = stripe.elements({
    mode: 'payment',
    amount: Number(box.dataset.amount),
    currency: box.dataset.currency.toLowerCase(),
    paymentMethodTypes: ['card'],
    paymentMethodCreation: 'manual',
    appearance: look(),
  });
  const element = elements.create('payment', { wallets: { applePay: 'never', googlePay: 'never' } });
  element.on('ready', () => {
    box.querySelector('button').disabled = false;
  });
  element.on('loaderror', () => say(box.dataset.failed));
  element.mount(box.querySelector('.card-form'));
  form.addEventListener('submit', (e) => {
    if (e.submitter?.value === 'paypal') return;
    e.preventDefault();
    attempt(async () => {
      const { error: incomplete } = await elements.submit();
      if (incomplete) return incomplete.message;
      const [name, email] = ['name', 'email'].map((field) => form.elements[field]?.value || undefined);
      const made = await stripe.createPaymentMethod({ elements, params: { billing_details: { name, email } } });
      if (made.error) return made.error.message;
      return send('card', made.paymentMethod.id);
    });
  });
}

// letBankAsk shows what the bank asks. Whatever came of it, the server asks Stripe; only if the bank was not reached it can be tried again.
function letBankAsk(stripe) {
  const ask = () =>
    attempt(async () => {
      const { error } = await stripe.handleNextAction({ clientSecret: box.dataset.secret });
      if (error?.type === 'api_connection_error') return error.message;
      return send('asked', 'yes');
    });
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    ask();
  });
  if ('asks' in box.dataset) ask();
}

if (box) {
  loadLibrary()
    .then('secret' in box.dataset ? letBankAsk : askForCard)
    .catch(() => {
      box.querySelector('.card-form')?.remove();
      say(box.dataset.failed);
    });
}
