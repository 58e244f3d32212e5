// A Chromium that reports what a page must not do: errors, violations of its policy, requests to other hosts.
import axe from 'axe-core';
import { chromium } from 'playwright-core';

export const flags = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// withBrowser runs a scenario in a new browser, and fails if a page did what it must not. Pages may talk to the origin, and to others if given.
export async function withBrowser(executablePath, origin, scenario, { others = [], ...options } = {}) {
  const browser = await chromium.launch({ executablePath, args: flags });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const misdeeds = [];
  try {
    await watch(context, [origin, ...others], misdeeds);
    await scenario(context);
  } catch (failure) {
    for (const page of context.pages()) console.error(`--- ${page.url()}\n${await page.locator('body').innerText()}`);
    throw failure;
  } finally {
    if (misdeeds.length > 0) console.error(`the pages misbehaved:\n  ${misdeeds.join('\n  ')}`);
    await browser.close();
  }
  if (misdeeds.length > 0) process.exit(1);
}

// flaws lists violations of WCAG on a page, or in some parts of it, as far as axe can tell.
export async function flaws(page, ...parts) {
  await page.evaluate(axe.source);
  const result = await page.evaluate((include) => axe.run(include.length > 0 ? { include } : document, { iframes: false }), parts);
  return result.violations.map((v) => `${v.help}: ${v.nodes.map((node) => node.html).join(', ')}`);
}

// measureTraffic counts the requests of a page, and the bytes that come over the wire for them.
export async function measureTraffic(context, page) {
  const received = new Map();
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  network.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (!request.url.startsWith('data:')) received.set(requestId, received.get(requestId) ?? 0);
  });
  network.on('Network.dataReceived', ({ requestId, encodedDataLength }) => received.set(requestId, (received.get(requestId) ?? 0) + encodedDataLength));
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => received.set(requestId, encodedDataLength));
  return () => ({ requests: received.size, bytes: [...received.values()].reduce((sum, bytes) => sum + bytes, 0) });
}

async function watch(context, origins, misdeeds) {
  await context.exposeBinding('reportViolation', (_, violation) => misdeeds.push(`policy: ${violation}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => reportViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
  });
  context.on('console', (message) => {
    // Chromium reports a page that says what is wrong with a form, or that there is nothing, as an error.
    if (message.type() === 'error' && !/status of (404|422)/.test(message.text())) misdeeds.push(`console: ${message.text()}`);
  });
  context.on('weberror', (error) => misdeeds.push(`error: ${error.error()}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (!origins.includes(url.origin) && url.protocol !== 'data:') misdeeds.push(`request: ${url.href}`);
  });
  context.on('page', (page) =>
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).host !== new URL(origins[0]).host) misdeeds.push(`socket: ${socket.url()}`);
    }),
  );
}
