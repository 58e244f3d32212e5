// Reads the mails that a server without SMTP writes to a folder.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

// takeLink waits for a mail to the address that is not among those seen, and returns its link.
export async function takeLink(folder, address, seen, patience) {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await pause(50)) {
    for (const name of (await readdir(folder)).filter((name) => name.endsWith('.eml') && !seen.has(name))) {
      seen.add(name);
      const mail = await readFile(join(folder, name), 'utf8');
      if (mail.includes(`<${address}>`)) return linkIn(mail);
    }
  }
  throw new Error(`no mail to ${address}`);
}

function linkIn(mail) {
  const text = mail.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return text.match(/https?:\/\/\S+\/auth\/verify#token=[\w-]+/)[0];
}
