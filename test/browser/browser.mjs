// A Chromium that reports what a page must not do: errors, violations of its policy, requests to other hosts.
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const flags = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// withBrowser runs a scenario in a new browser, and fails if a page did what it must not.
export async function withBrowser(executablePath, origin, scenario, options = {}) {
  const browser = await chromium.launch({ executablePath, args: flags });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const misdeeds = [];
  try {
    await watch(context, origin, misdeeds);
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
  const result = await page.evaluate((include) => axe.run(include.length > 0 ? { include } : document), parts);
  return result.violations.map((v) => `${v.help}: ${v.nodes.map((node) => node.html).join(', ')}`);
}

async function watch(context, origin, misdeeds) {
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
    if (url.origin !== origin && url.protocol !== 'data:') misdeeds.push(`request: ${url.href}`);
  });
  context.on('page', (page) =>
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).host !== new URL(origin).host) misdeeds.push(`socket: ${socket.url()}`);
    }),
  );
}
