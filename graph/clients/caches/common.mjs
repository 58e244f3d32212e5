// What the caches of client libraries are tried with. It is made from the schema, so that a new type or field is tried as well.
//   node caches/relay.mjs|apollo.mjs|urql.mjs GIVEN
// GIVEN is JSON: the API's url, a token, the ids of an object of each type that implements Node, arguments by "Type.field.argument",
// and the id of a reservation that may be cancelled. Each list has at least two elements.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { format } from 'node:util';
import { buildSchema, getNamedType, isAbstractType, isLeafType, isObjectType, isRequiredArgument } from 'graphql';

export const given = JSON.parse(process.argv[2]);
export const sdl = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
export const schema = buildSchema(sdl);

const pagination = ['first', 'after', 'last', 'before'];
const fieldsOf = (type) => Object.values(type.getFields());
const isConnection = (type) => type.name.endsWith('Connection');
const nodes = schema.getPossibleTypes(schema.getType('Node'));
const query = schema.getQueryType();
const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('_'));

export const nodeTypes = nodes.map(({ name }) => name);

// Types of objects that a client can't keep by themselves.
export const withoutID = objects
  .filter((type) => !/^(Query|Mutation|Subscription|PageInfo)$|Connection$|Edge$/.test(type.name) && !type.getFields().id)
  .map(({ name }) => name);

function argumentsOf(type, field, ...more) {
  const required = field.args.filter(isRequiredArgument).map(({ name }) => {
    const value = given.arguments[`${type.name}.${field.name}.${name}`] ?? (name === 'id' ? given.ids[getNamedType(field.type).name] : undefined);
    assert.ok(value, `nothing is given for ${type.name}.${field.name}.${name}`);
    return `${name}: ${JSON.stringify(value)}`;
  });
  const all = [...required, ...more];
  return all.length > 0 ? `(${all.join(', ')})` : '';
}

// select returns all fields of a type, and of the objects in it; of those with a global id, as many levels as given, then the id.
function select(type, levels) {
  return fieldsOf(type)
    .filter(({ type }) => !isAbstractType(getNamedType(type)))
    .map((field) => {
      const of = getNamedType(field.type);
      const first = isConnection(of) ? ['first: 1'] : [];
      if (first.length > 0 && levels === 0) return '';
      const name = field.name + argumentsOf(type, field, ...first);
      if (isLeafType(of)) return name;
      const inner = nodes.includes(of) ? (levels > 0 ? select(of, levels - 1) : 'id') : select(of, levels);
      return `${name} { ${inner} }`;
    })
    .join(' ');
}

// A selection of all fields of each type that implements Node.
export const selections = nodes.map((type) => {
  assert.ok(given.ids[type.name], `no ${type.name} is given`);
  return { type: type.name, id: given.ids[type.name], fields: select(type, 1) };
});

// Operations that read each field of Query with all that it has, and each object through node.
export const operations = [
  ...fieldsOf(query)
    .filter(({ name, type }) => !name.startsWith('_') && !isAbstractType(getNamedType(type)))
    .map((field) => {
      const of = getNamedType(field.type);
      const name = field.name + argumentsOf(query, field, ...(isConnection(of) ? ['first: 1'] : []));
      return { name: field.name, text: `${name} { ${select(of, 1)} }` };
    }),
  ...selections.map(({ type, id, fields }) => ({ name: `node${type}`, text: `node(id: "${id}") { ... on ${type} { ${fields} } }` })),
];

// All lists, as a client pages through them; `page` returns the field with these arguments, `within` puts it below its object.
export const lists = objects.flatMap((type) =>
  fieldsOf(type)
    .filter((field) => isConnection(getNamedType(field.type)))
    .map((field) => {
      assert.ok(type === query || nodes.includes(type), `${type.name}.${field.name} can't be read on: ${type.name} has no global id`);
      const element = getNamedType(getNamedType(field.type).getFields().edges.type).getFields().node;
      return {
        type: type.name,
        field: field.name,
        id: given.ids[type.name],
        conditions: field.args.map(({ name }) => name).filter((name) => !pagination.includes(name)),
        page: (args) => field.name + argumentsOf(type, field, ...args),
        element: select(getNamedType(element.type), 0),
        within: (text) => (type === query ? text : `node(id: "${given.ids[type.name]}") { ... on ${type.name} { id ${text} } }`),
        find: (data) => (type === query ? data : data.node)[field.name],
      };
    }),
);

export const cancelled = {
  path: `reservation(id: "${given.reservation}") { id status version }`,
  otherPath: `me { id reservations(first: 50) { edges { cursor node { id status } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
  mutation: `cancelReservation(input: { reservationId: "${given.reservation}", idempotencyKey: "${crypto.randomUUID()}" }) { reservation { id status version } userErrors { message } }`,
  statuses: (first, other) => [first.reservation.status, other.me.reservations.edges.find(({ node }) => node.id === given.reservation).node.status],
};

// The bodies of all requests.
export const requests = [];
export const headers = { authorization: `Bearer ${given.token}` };
export function countingFetch(address, init) {
  requests.push(JSON.parse(init.body));
  return fetch(address, init);
}

// same compares what a cache has with what was sent. What changes from one read to the next is left out.
export function same(cached, sent, message) {
  const stable = (data) => JSON.parse(JSON.stringify(data, (key, value) => (/^lag|^lastSeenAt$|^__typename$/.test(key) ? undefined : value)));
  assert.deepEqual(stable(cached), stable(sent), message);
}

// readAll executes all operations with read(text, requestPolicy), then reads them from the cache. The server knows no hashes of documents.
export async function readAll(read) {
  const sent = [];
  for (const { text } of operations) sent.push(await read(text, 'network-only'));
  assert.equal(requests.length, operations.length + 1, 'only the first request is sent as a hash, then with its text');
  assert.equal(requests[0].query, undefined);
  for (const [i, { name, text }] of operations.entries()) same(await read(text, 'cache-only'), sent[i], `${name} from the cache`);
}

// pageThroughLists reads two pages of one element, and then both from the cache.
export async function pageThroughLists(read) {
  for (const list of lists) {
    const page = (...args) => list.within(`${list.page(['first: 1', ...args])} { edges { cursor node { ${list.element} } } pageInfo { hasNextPage endCursor } }`);
    const first = list.find(await read(page(), 'network-only'));
    assert.ok(first.pageInfo.hasNextPage, `${list.type}.${list.field} has one element`);
    await read(page(`after: ${JSON.stringify(first.pageInfo.endCursor)}`), 'network-only');
    assert.equal(list.find(await read(page(), 'cache-only')).edges.length, 2, `${list.type}.${list.field} goes on`);
  }
}

// cancelOnce cancels the reservation with mutate(text), and finds it changed over two paths without another request.
export async function cancelOnce(read, mutate) {
  for (const path of [cancelled.path, cancelled.otherPath]) await read(path, 'network-only');
  const before = requests.length;
  await mutate(`mutation { ${cancelled.mutation} }`);
  const shown = [await read(cancelled.path, 'cache-only'), await read(cancelled.otherPath, 'cache-only')];
  assert.deepEqual(cancelled.statuses(...shown), ['CANCELLED', 'CANCELLED']);
  assert.equal(requests.length, before + 1);
}

// What the libraries warn of fails the test. Apollo's does only with __DEV__, and if it is imported after this module.
globalThis.__DEV__ = true;
const warnings = [];
for (const level of ['warn', 'error']) console[level] = (...args) => warnings.push(format(...args));
export function finish() {
  assert.deepEqual(warnings, []);
  console.log(`${operations.length} operations and ${lists.length} lists of ${nodeTypes.length} types that implement Node`);
}
