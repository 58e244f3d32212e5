// The latest id of each kind in responses, by prefix, so that an example acts on the event or reservation of the one before.
const latest = new Map();

const anyID = /"((evt|rsv|pay|rfd|usr)_[0-9a-z]{26})"/g;

// rememberIDs stores the first id of each kind in a response.
export function rememberIDs(response) {
  const found = new Map();
  for (const [, id, kind] of JSON.stringify(response ?? null).matchAll(anyID)) {
    if (!found.has(kind)) found.set(kind, id);
  }
  for (const [kind, id] of found) latest.set(kind, id);
}

// fillIn replaces placeholders such as "evt_…" with the latest ids.
export function fillIn(text) {
  return text.replace(/"(evt|rsv|pay|rfd|usr)_…"/g, (placeholder, kind) =>
    latest.has(kind) ? `"${latest.get(kind)}"` : placeholder,
  );
}
