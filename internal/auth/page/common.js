// Code that the pages share.

const message = document.getElementById('message');

// say shows a text, and has screen readers read it.
export function say(text) {
  message.textContent = text;
  message.focus();
}

// offer shows a link to continue.
export function offer(text, address) {
  const link = document.getElementById('link');
  link.textContent = text;
  link.href = address;
  document.getElementById('onward').hidden = false;
}

// ask executes an operation with the session of this browser's cookie, and returns the GraphQL response.
export async function ask(query, variables) {
  const response = await fetch('../graphql', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-Session': 'cookie' },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

// describe returns a link's user, without an address if the link is of no use, and whether another browser asked for it.
export async function describe(token) {
  const response = await fetch('link', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

// excuse returns a message for an operation without data.
export function excuse(response) {
  const problem = response.errors?.[0]?.extensions;
  if (problem?.code === 'RATE_LIMITED') return `Too many attempts. Please wait ${problem.retryAfterSeconds ?? 60} seconds.`;
  return 'Signing in is not possible just now. Please try again.';
}

export const unreachable = 'The server could not be reached. Please try again.';

// A user who asked for a link on the way to GraphiQL continues there after signing in. The link opens in another tab of this browser.
export const graphiql = '../graphiql';
const wanted = 'ticketing.graphiql-wanted';
export const wantGraphiQL = () => localStorage.setItem(wanted, 'yes');
export function takeWanted() {
  const is = localStorage.getItem(wanted) !== null;
  localStorage.removeItem(wanted);
  return is;
}
