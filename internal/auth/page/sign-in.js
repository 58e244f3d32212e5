import { ask, excuse, graphiql, offer, say, unreachable, wantGraphiQL } from './common.js';

const form = document.getElementById('form');
const email = document.getElementById('email');
const send = document.getElementById('send');

const request = `mutation RequestMagicLink($input: RequestMagicLinkInput!) {
  requestMagicLink(input: $input) { token userErrors { code message } }
}`;

function sent(address, token) {
  form.hidden = true;
  wantGraphiQL();
  say(`Check your mail: a link is on its way to ${address}. Open it in this browser. It works once, for a short time.`);
  // A server for tests also returns the token, so that no mail is needed.
  if (token) offer('Open the link: this server shows it for testing', `verify#token=${token}`);
}

function refused(text) {
  email.setAttribute('aria-invalid', 'true');
  say(text);
  email.focus();
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  send.disabled = true;
  email.removeAttribute('aria-invalid');
  try {
    const response = await ask(request, { input: { email: email.value } });
    const payload = response.data?.requestMagicLink;
    if (!payload) say(excuse(response));
    else if (payload.userErrors.length) refused('This is not a mail address. Please check it.');
    else sent(email.value, payload.token);
  } catch {
    say(unreachable);
  } finally {
    send.disabled = false;
  }
});
send.disabled = false; // its handler is ready now

// Tell a signed-in user what this page is for.
const me = await ask('{ me { email roles } }').then((response) => response.data?.me, () => null);
if (me?.roles.includes('ADMIN')) {
  form.hidden = true;
  say(`You are signed in as ${me.email}.`);
  offer('Open GraphiQL', graphiql);
} else if (me) {
  say(`You are signed in as ${me.email}, who is not an admin. GraphiQL is for admins: sign in as one.`);
  email.focus();
}
