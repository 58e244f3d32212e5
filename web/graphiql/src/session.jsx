import { useEffect, useState } from 'react';

async function execute(query) {
  const response = await fetch('/graphql', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()).data;
}

async function signOut() {
  await execute('mutation { signOut { userErrors { code } } }');
  location.reload(); // redirects to the sign-in page
}

// Session shows the signed-in user and a button to sign out.
export function Session() {
  const [email, setEmail] = useState('');
  useEffect(() => {
    execute('{ me { email } }').then((data) => setEmail(data?.me?.email ?? ''), () => {});
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
