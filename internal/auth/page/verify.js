'use strict';

const button = document.getElementById('sign-in');
const message = document.getElementById('message');

// The token leaves the address bar at once, so that it stays in no history, bookmark or screenshot.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
history.replaceState(null, '', location.pathname);

const askForAnother = 'This link has been used or is out of date. Please ask for a new one.';
const mutation = `mutation VerifyMagicLink($input: VerifyMagicLinkInput!) {
  verifyMagicLink(input: $input) { user { id } userErrors { code message } }
}`;

function finish(text) {
  button.hidden = true;
  say(text);
}

function say(text) {
  message.textContent = text;
  message.focus();
}

// What to tell for a GraphQL answer; again says whether pressing the button once more may help.
function read(answer) {
  const payload = answer.data?.verifyMagicLink;
  if (payload?.user) return { text: 'You are signed in. You can close this page.' };
  if (payload?.userErrors?.length) return { text: askForAnother };
  const problem = answer.errors?.[0]?.extensions;
  if (problem?.code === 'RATE_LIMITED') {
    return { text: `Too many tries. Please wait ${problem.retryAfterSeconds ?? 60} seconds.`, again: true };
  }
  return { text: 'Signing in is not possible just now. Please try again.', again: true };
}

async function signIn() {
  button.disabled = true;
  try {
    const response = await fetch('../graphql', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-Session': 'cookie' },
      body: JSON.stringify({ query: mutation, variables: { input: { token } } }),
    });
    const { text, again } = read(await response.json());
    if (again) say(text);
    else finish(text);
  } catch {
    say('The server could not be reached. Please try again.');
  }
  button.disabled = false;
}

if (token) button.addEventListener('click', signIn);
else finish('This link is incomplete. Please open it from the mail again, or ask for a new one.');
