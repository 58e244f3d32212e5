// What the pages share.

const message = document.getElementById('message');

// say tells something, to screen readers too.
export function say(text) {
  message.textContent = text;
  message.focus();
}

// offer shows a link to go on with.
export function offer(text, address) {
  const link = document.getElementById('link');
  link.textContent = text;
  link.href = address;
  document.getElementById('onward').hidden = false;
}

// ask executes an operation as the session of this browser's cookie, and answers the GraphQL answer.
export async function ask(query, variables) {
  const response = await fetch('../graphql', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-Session': 'cookie' },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

// excuse says why an operation has no answer.
export function excuse(answer) {
  const problem = answer.errors?.[0]?.extensions;
  if (problem?.code === 'RATE_LIMITED') return `Too many tries. Please wait ${problem.retryAfterSeconds ?? 60} seconds.`;
  return 'Signing in is not possible just now. Please try again.';
}

export const unreachable = 'The server could not be reached. Please try again.';

// Whoever asked for a link to get to GraphiQL goes on there after signing in: the link opens in another tab of this browser.
export const graphiql = '../graphiql';
const wanted = 'ticketing.graphiql-wanted';
export const wantGraphiQL = () => localStorage.setItem(wanted, 'yes');
export function takeWanted() {
  const is = localStorage.getItem(wanted) !== null;
  localStorage.removeItem(wanted);
  return is;
}
