import { useEffect, useState } from 'react';

async function ask(query) {
  const response = await fetch('/graphql', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()).data;
}

async function signOut() {
  await ask('mutation { signOut { userErrors { code } } }');
  location.reload(); // into the sign-in page
}

// Session says who is signed in, and signs them out.
export function Session() {
  const [email, setEmail] = useState('');
  useEffect(() => {
    ask('{ me { email } }').then((data) => setEmail(data?.me?.email ?? ''), () => {});
  }, []);
  return (
    <div className="session">
      <span title="Signed in">{email}</span>
      <button type="button" className="graphiql-button" onClick={signOut}>
        Sign out
      </button>
    </div>
  );
}
