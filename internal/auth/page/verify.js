import { ask, describe, excuse, graphiql, offer, say, takeWanted, unreachable } from './common.js';

const button = document.getElementById('sign-in');

// The token leaves the address bar at once, so that it stays in no history, bookmark or screenshot.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname);

const askForAnother = 'This link has been used or is out of date. Please ask for a new one.';
const mutation = `mutation VerifyMagicLink($input: VerifyMagicLinkInput!) {
  verifyMagicLink(input: $input) { user { roles } userErrors { code message } }
}`;

function finish(text) {
  button.hidden = true;
  say(text);
}

function signedIn(user) {
  finish('You are signed in. You can close this page.');
  if (takeWanted()) location.replace(graphiql);
  else if (user.roles.includes('ADMIN')) offer('Open GraphiQL', graphiql);
  else offerOrders();
}

// Where the server has the shop's pages, the user's orders are one of them.
async function offerOrders() {
  const page = await fetch('../account', { method: 'HEAD' });
  if (page.ok) offer('Your orders', '../account');
}

async function signIn() {
  button.disabled = true;
  try {
    const response = await ask(mutation, { input: { token } });
    const payload = response.data?.verifyMagicLink;
    if (payload?.user) signedIn(payload.user);
    else if (payload?.userErrors?.length) finish(askForAnother);
    else say(excuse(response));
  } catch {
    say(unreachable);
  } finally {
    button.disabled = false;
  }
}

// The link's user is named before it signs them in: it may be a stranger's.
async function start() {
  const link = await describe(token);
  if (!link.email) {
    finish(askForAnother);
    return;
  }
  say(
    link.elsewhere
      ? `This link signs you in as ${link.email}. Another browser asked for it: go on only if that was you.`
      : `Press the button to sign in as ${link.email} on this device.`,
  );
  button.textContent = `Sign in as ${link.email}`;
  button.addEventListener('click', signIn);
  button.disabled = false; // its handler is ready now
  if (!link.elsewhere) button.focus();
}

if (token) {
  try {
    await start();
  } catch {
    say(unreachable);
  }
} else {
  finish('This link is incomplete. Please open it from the mail again, or ask for a new one.');
}
