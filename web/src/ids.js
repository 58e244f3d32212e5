// The ids that answers brought last, by their prefix: the next example is about the event or reservation of the one before.
const latest = new Map();

const anyID = /"((evt|rsv|pay|rfd|usr)_[0-9a-z]{26})"/g;

// note keeps the first id of each kind that an answer has.
export function note(answer) {
  const found = new Map();
  for (const [, id, kind] of JSON.stringify(answer ?? null).matchAll(anyID)) {
    if (!found.has(kind)) found.set(kind, id);
  }
  for (const [kind, id] of found) latest.set(kind, id);
}

// fillIn puts the latest ids where a text has placeholders such as "evt_…".
export function fillIn(text) {
  return text.replace(/"(evt|rsv|pay|rfd|usr)_…"/g, (placeholder, kind) =>
    latest.has(kind) ? `"${latest.get(kind)}"` : placeholder,
  );
}
