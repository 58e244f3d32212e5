// Stands in for https://js.stripe.com/v3/ in tests: what web/shop/assets/card.js calls of it, as strict as Stripe is about it. The card is typed
// in a frame of Stripe's, and what the bank asks is in another one. It can't prove that Stripe's own library behaves like that.
window.Stripe = (key, { locale }) => {
  if (!key.startsWith('pk_test_') || !['en', 'de'].includes(locale)) throw new Error(`unknown: ${key}, ${locale}`);

  const send = async (path, body) => (await fetch(`https://api.stripe.com/v1/${path}`, { method: 'POST', body: new URLSearchParams(body) })).json();

  function showFrame(place, src, title) {
    const frame = Object.assign(document.createElement('iframe'), { src, title, width: '100%', height: '200' });
    place.append(frame);
    return frame;
  }

  function listen(frame, act) {
    addEventListener('message', (message) => {
      if (message.source === frame.contentWindow) act(message.data);
    });
  }

  return {
    elements(options) {
      const { mode, amount, currency, paymentMethodTypes, paymentMethodCreation } = options;
      if (mode !== 'payment' || !Number.isInteger(amount) || amount <= 0 || currency !== currency.toLowerCase()) throw new Error('wrong amount');
      if (String(paymentMethodTypes) !== 'card' || paymentMethodCreation !== 'manual') throw new Error('wrong method');
      const state = { number: '', submitted: false };
      const handlers = {};
      return {
        state,
        create: (kind) => ({
          on: (event, act) => (handlers[event] = act),
          mount(place) {
            if (kind !== 'payment') throw new Error(`unknown: ${kind}`);
            const frame = showFrame(place, 'https://js.stripe.com/v3/card.html', 'Secure payment input frame');
            listen(frame, (number) => Object.assign(state, { number, submitted: false }));
            frame.addEventListener('load', () => handlers.ready?.());
          },
        }),
        async submit() {
          if (state.number === '') return { error: { type: 'validation_error', message: 'Your card number is incomplete.' } };
          state.submitted = true;
          return {};
        },
      };
    },

    async createPaymentMethod({ elements, params }) {
      if (!elements.state.submitted) throw new Error('call elements.submit() first');
      const { name, email } = params.billing_details;
      return send('payment_methods', { key, number: elements.state.number, name, email });
    },

    handleNextAction({ clientSecret }) {
      const dialog = document.body.appendChild(document.createElement('dialog'));
      dialog.setAttribute('aria-label', 'Your bank');
      const frame = showFrame(dialog, 'https://hooks.stripe.com/3d.html', 'Your bank asks');
      dialog.showModal();
      return new Promise((resolve) => {
        listen(frame, async (choice) => {
          dialog.remove();
          resolve(await send('authentications', { key, clientSecret, choice }));
        });
      });
    },
  };
};
