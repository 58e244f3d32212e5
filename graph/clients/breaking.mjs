// Lists with GraphQL Inspector what in a schema breaks clients of the last release, and fails unless docs/schema/README.md has it:
//   node breaking.mjs FOLDER_OF_RELEASES SCHEMA
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [folder, schema] = process.argv.slice(2);
const read = (file) => readFileSync(file, 'utf8');
const releases = readdirSync(folder).filter((name) => name.endsWith('.graphql'));
const last = releases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
const accepted = new Set(Array.from(read(join(folder, 'README.md')).matchAll(/^\| `([^`]+)` \|/gm), (row) => row[1]));

const changes = await diff(buildSchema(read(join(folder, last))), buildSchema(read(schema)));
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
const unexpected = breaking.filter(({ path }) => !accepted.delete(path));
for (const { path, message, criticality } of unexpected) console.log(`breaks clients: ${path}: ${message}. ${criticality.reason ?? ''}`);
for (const path of accepted) console.log(`does not break clients: ${path}; remove its row in ${join(folder, 'README.md')}`);
console.log(`${changes.length} changes since ${last}, ${breaking.length} of them breaking, ${unexpected.length} of these unexpected`);
process.exit(unexpected.length + accepted.size === 0 ? 0 : 1);
