// Counts down to a moment by the server's clock: each element with data-until shows what is left of it since data-now, the server's time when
// it made the page. With data-reload the page is loaded again at the end.
const [navigation] = performance.getEntriesByType('navigation');
const here = document.querySelector('[data-path]')?.dataset.path ?? location.pathname; // the address of a page that a form led to is the form's
const madeAt = navigation?.responseStart ?? 0; // on the clock of performance.now()

for (const element of document.querySelectorAll('[data-until]')) {
  const whole = Date.parse(element.dataset.until) - Date.parse(element.dataset.now);
  const left = () => Math.max(0, whole - (performance.now() - madeAt));
  const warning = document.querySelector('[data-warning]');
  const tick = () => {
    const seconds = Math.ceil(left() / 1000);
    element.textContent = inWords(seconds);
    element.hidden = seconds > 2 * 24 * 3600; // seconds mean nothing yet
    if (seconds === 60 && warning) warning.textContent = warning.dataset.warning;
    if (seconds > 0) return;
    clearInterval(timer);
    if ('reload' in element.dataset) setTimeout(() => location.replace(here), 1500);
  };
  if (left() === 0) { // what was to happen is late: look again in a while
    if ('reload' in element.dataset) setTimeout(() => location.replace(here), 5000);
    continue;
  }
  const timer = setInterval(tick, 1000);
  tick();
}

function inWords(seconds) {
  const pad = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

// A page that comes back from the browser's memory shows an old time.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.replace(here);
});
