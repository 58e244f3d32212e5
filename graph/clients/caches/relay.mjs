// Compiles a project with Relay's compiler, and runs it with Relay's runtime. See common.mjs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import compiler from 'relay-compiler';
import relay from 'relay-runtime';

import { cancelled, countingFetch, finish, given, headers, lists, nodeTypes, operations, requests, same, sdl, selections } from './common.mjs';

// spread returns a selection of a fragment, and lookUpIn what it selected. A fragment on one type may not match what node returns, so it needs an alias.
const spread = (type, id, fragment) => (type === 'Query' ? `...${fragment}` : `node(id: "${id}") { ...${fragment} @alias(as: "object") }`);
const lookUpIn = (data, fragment) => lookUp(relay.getSingularSelector(artifacts[fragment], data.node ? data.node.object : data));

// Names begin with that of the module.
const documents = [
  ...operations.map(({ name, text }) => `query app_${name}Query { ${text} }`),
  ...selections.flatMap(({ type, id, fields }) => [
    `fragment app_${type} on ${type} @refetchable(queryName: "app_${type}RefetchQuery") { ${fields} }`,
    `query app_${type}Query { ${spread(type, id, `app_${type}`)} }`,
  ]),
  ...lists.flatMap(({ type, field, id, page, element }) => [
    `fragment app_${type}_${field} on ${type}
      @argumentDefinitions(count: { type: "Int", defaultValue: 1 }, cursor: { type: "String" })
      @refetchable(queryName: "app_${type}_${field}PageQuery") {
        ${page(['first: $count', 'after: $cursor'])} @connection(key: "app_${type}_${field}") { edges { node { ${element} } } }
      }`,
    `query app_${type}_${field}Query { ${spread(type, id, `app_${type}_${field}`)} }`,
  ]),
  `query app_pathQuery { ${cancelled.path} }`,
  `query app_otherPathQuery { ${cancelled.otherPath} }`,
  `mutation app_cancelMutation { ${cancelled.mutation} }`,
];

// compile returns the artifact of each operation and fragment.
function compile() {
  const folder = mkdtempSync(join(tmpdir(), 'relay-'));
  try {
    for (const name of ['src', 'artifacts']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'package.json'), '{}'); // artifacts are CommonJS
    writeFileSync(join(folder, 'schema.graphql'), sdl);
    writeFileSync(join(folder, 'src/app.js'), documents.map((text) => `graphql\`${text}\`;\n`).join(''));
    const config = { src: 'src', schema: 'schema.graphql', artifactDirectory: 'artifacts', language: 'javascript', eagerEsModules: false };
    writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config));
    execFileSync(compiler, ['--noWatchman', '--output', 'quiet-with-errors', 'relay.config.json'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const load = createRequire(join(folder, 'artifacts/'));
    const names = documents.flatMap((text) => [text.match(/^\w+ (\w+)/)[1], text.match(/queryName: "(\w+)"/)?.[1]]).filter(Boolean);
    return Object.fromEntries(names.map((name) => [name, load(`./${name}.graphql.js`)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const artifacts = compile();

async function request({ text, name }, variables) {
  const body = JSON.stringify({ query: text, variables });
  const response = await countingFetch(given.url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body });
  const result = await response.json();
  assert.equal(result.errors, undefined, `${name}: ${JSON.stringify(result.errors)}`);
  return result;
}
const environment = new relay.Environment({ network: relay.Network.create(request), store: new relay.Store(new relay.RecordSource()) });

async function execute(name, variables = {}) {
  const operation = relay.createOperationDescriptor(artifacts[name], variables);
  environment.retain(operation);
  const { data } = await environment.execute({ operation }).toPromise();
  return { operation, data };
}

// lookUp reads what the store has for an operation or for a fragment, and fails if something is missing.
function lookUp(selector) {
  const { data, isMissingData } = environment.lookup(selector);
  assert.ok(!isMissingData, `${selector.node.name} is not complete`);
  return data;
}

const sent = [];
for (const { name } of operations) sent.push(await execute(`app_${name}Query`));
for (const [i, { operation, data }] of sent.entries()) same(lookUp(operation.fragment), data, `${operations[i].name} from the store`);

for (const { type, id } of selections) {
  const { operation } = await execute(`app_${type}Query`);
  const object = lookUpIn(lookUp(operation.fragment), `app_${type}`);
  assert.equal(object.id, id);
  const { identifierInfo } = artifacts[`app_${type}`].metadata.refetch;
  assert.equal(identifierInfo.identifierField, 'id');
  await execute(`app_${type}RefetchQuery`, { [identifierInfo.identifierQueryVariableName]: id });
  same(lookUpIn(lookUp(operation.fragment), `app_${type}`), object, `${type} read again`);
}

for (const { type, field, id, find } of lists) {
  const name = `app_${type}_${field}`;
  const { operation } = await execute(`${name}Query`);
  const shown = () => lookUpIn(lookUp(operation.fragment), name)[field];
  const first = shown();
  assert.ok(first.pageInfo.hasNextPage, `${type}.${field} has one element`);
  const next = await execute(`${name}PageQuery`, { count: 1, cursor: first.pageInfo.endCursor, ...(id && { id }) });
  assert.equal(find(next.data).edges.length, 1);
  assert.equal(shown().edges.length, 2, `${type}.${field} goes on`);
}

const records = environment.getStore().getSource().toJSON();
for (const type of nodeTypes) assert.equal(records[given.ids[type]].__typename, type);
for (const [key, record] of Object.entries(records)) if (record.id) assert.equal(key, record.id, record.__typename);

const [path, otherPath] = [await execute('app_pathQuery'), await execute('app_otherPathQuery')].map(({ operation }) => operation.fragment);
const before = requests.length;
await new Promise((onCompleted, onError) => relay.commitMutation(environment, { mutation: artifacts.app_cancelMutation, variables: {}, onCompleted, onError }));
assert.deepEqual(cancelled.statuses(lookUp(path), lookUp(otherPath)), ['CANCELLED', 'CANCELLED']);
assert.equal(requests.length, before + 1);
finish();
