// Lets customers choose numbered seats: on a map, or row by row in a list that a keyboard and a screen reader can use. Seats that others take
// turn grey while one looks.
const form = document.querySelector('form[data-event]');

const mapQuery = `query Map($id: ID!, $name: String!) {
  event(id: $id) { section(name: $name) { seatMap { version rows { row labels states layout { x y rotation } } } } }
}`;
const changesSubscription = `subscription Changes($id: ID!) {
  seatChanges(eventId: $id) { version changes { section label status } reload }
}`;
const free = '.';
const letters = { AVAILABLE: free, RESERVED: 'r', SOLD: 's', BLOCKED: 'b' };

const pitches = { least: 5, best: 28, most: 44 }; // CSS pixels from seat to seat
const mostPixels = 16e6; // of a canvas: what phones can hold
const mostSide = 16_384; // pixels, for the same reason

async function readMap(name) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: mapQuery, variables: { id: form.dataset.event, name } }),
  });
  return (await response.json()).data?.event?.section?.seatMap;
}

// Picker is the choice of seats of one section.
class Picker {
  constructor(row) {
    this.name = row.dataset.section;
    this.row = row;
    this.box = row.querySelector('.picker');
    this.most = Number(this.box.dataset.most);
    this.input = row.querySelector('[name^="seats."]');
    this.quantity = row.querySelector('select');
    this.canvas = this.box.querySelector('canvas');
    this.rowSelect = this.box.querySelector('.rows');
    this.list = this.box.querySelector('.row');
    this.chosen = new Set(this.input.value.split(/\s*\n/).filter(Boolean));
    this.button = row.querySelector('.pick');
    this.button.addEventListener('click', () => (this.box.hidden ? this.open() : this.close()));
    this.canvas.addEventListener('click', (e) => this.toggle(this.seatAt(e.offsetX, e.offsetY)));
    this.rowSelect.addEventListener('change', () => this.listRow());
    this.list.addEventListener('keydown', (e) => this.moveFocus(e));
    for (const zoom of this.box.querySelectorAll('[data-zoom]')) {
      zoom.addEventListener('click', () => this.zoom(Number(zoom.dataset.zoom)));
    }
    if (this.chosen.size > 0) this.open();
  }

  async open() {
    this.box.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    await this.load();
    follow(this);
  }

  // close gives the choice back to the server: the best seats.
  close() {
    this.box.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
    this.chosen.clear();
    this.show();
  }

  // load reads the map. What changes meanwhile is taken over afterwards: the map may be from before it.
  async load() {
    const reading = (this.reading = []);
    const map = await readMap(this.name).catch(() => undefined);
    if (this.reading !== reading) return; // it is being read anew
    this.reading = undefined;
    if (map) this.replace(map);
    reading.forEach((changes) => this.apply(changes));
  }

  replace(map) {
    this.version = map.version;
    this.seats = map.rows.map(({ row, labels, states }) =>
      [...states].map((state, i) => ({ label: `${row}-${labels ? labels[i] : i + 1}`, state })),
    );
    this.byLabel = new Map(this.seats.flat().map((seat) => [seat.label, seat]));
    const selected = this.rowSelect.value;
    this.rowSelect.replaceChildren(...map.rows.map(({ row }, i) => new Option(row, i, false, String(i) === selected)));
    Object.assign(this, placeRows(map.rows));
    const fitting = this.canvas.parentElement.clientWidth / this.width;
    this.pitch ??= Math.max(pitches.least, Math.min(pitches.best, fitting));
    this.drop();
    this.listRow();
    this.show();
  }

  // apply takes changes of the seats over.
  apply(message) {
    const { version, changes, reload } = message;
    if (this.reading) this.reading.push(message);
    if (this.reading || !this.seats || version <= this.version) return;
    if (reload.includes(this.name)) {
      this.load();
      return;
    }
    this.version = version;
    for (const { section, label, status } of changes) {
      const seat = section === this.name && this.byLabel.get(label);
      if (seat) seat.state = letters[status];
    }
    this.drop();
    this.listRow();
    this.show();
  }

  // drop takes back what others were faster with.
  drop() {
    for (const label of this.chosen) {
      if (this.byLabel.get(label)?.state === free) continue;
      this.chosen.delete(label);
      this.say(this.box.dataset.taken.replace('7', label));
    }
  }

  toggle(label) {
    if (!label || this.byLabel.get(label)?.state !== free) return;
    if (this.chosen.delete(label)) this.say('');
    else if (this.chosen.size >= this.most) this.say(this.box.dataset.full);
    else {
      this.chosen.add(label);
      this.say('');
    }
    this.show();
  }

  say(text) {
    this.box.querySelector('.said').textContent = text;
  }

  show() {
    this.input.value = [...this.chosen].join('\n');
    this.quantity.hidden = !this.box.hidden;
    if (!this.box.hidden) this.quantity.value = '0';
    this.box.querySelector('.chosen').textContent = [...this.chosen].join(', ') || this.box.dataset.none;
    for (const seat of this.list.children) seat.setAttribute('aria-pressed', String(this.chosen.has(seat.dataset.label)));
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  zoom(factor) {
    this.pitch = Math.max(pitches.least, Math.min(pitches.most, this.pitch * factor));
    this.show();
  }

  // seatAt returns the label of the seat at a point of the canvas.
  seatAt(x, y) {
    let [label, nearest] = [undefined, 0.5];
    this.places?.forEach((row, r) => {
      const [right, down] = [x / this.pitch - row.x, y / this.pitch - row.y];
      const along = right * row.cos + down * row.sin; // as the row sees it
      const i = Math.round(along);
      const distance = Math.max(Math.abs(along - i), Math.abs(down * row.cos - right * row.sin));
      if (distance < nearest && this.seats[r][i]) [label, nearest] = [this.seats[r][i].label, distance];
    });
    return label;
  }

  draw() {
    if (!this.seats || this.box.hidden) return;
    const [width, height, size] = [this.width * this.pitch, this.height * this.pitch, this.pitch];
    const scale = Math.min(devicePixelRatio, Math.sqrt(mostPixels / (width * height)), mostSide / width, mostSide / height);
    Object.assign(this.canvas, { width: width * scale, height: height * scale });
    this.canvas.style.setProperty('width', `${width}px`);
    this.canvas.style.setProperty('height', `${height}px`);
    const c = this.canvas.getContext('2d');
    c.scale(scale, scale);
    const style = getComputedStyle(this.canvas);
    const [open, taken, mine] = [new Path2D(), new Path2D(), new Path2D()];
    this.seats.forEach((row, r) => {
      const place = this.places[r];
      row.forEach((seat, i) => {
        const [x, y] = [(place.x + i * place.cos) * size, (place.y + i * place.sin) * size];
        if (this.chosen.has(seat.label)) mine.rect(x - size * 0.45, y - size * 0.45, size * 0.9, size * 0.9);
        else if (seat.state === free) circle(open, x, y, size * 0.36);
        else cross(taken, x, y, size * 0.18);
      });
    });
    c.fillStyle = style.color;
    c.fill(open);
    c.fillStyle = style.caretColor;
    c.fill(mine);
    c.strokeStyle = style.borderTopColor;
    c.lineWidth = Math.max(1, this.pitch / 14);
    c.stroke(taken);
    this.canvas.dataset.drawn = String(this.version);
  }

  // listRow lists the seats of the chosen row.
  listRow() {
    const seats = this.seats[this.rowSelect.selectedIndex] ?? [];
    const focused = document.activeElement?.dataset?.label;
    this.list.replaceChildren(
      ...seats.map((seat) => {
        const button = document.createElement('button');
        Object.assign(button, { type: 'button', className: 'plain seat', textContent: seat.label, tabIndex: -1 });
        button.dataset.label = seat.label;
        button.setAttribute('aria-disabled', String(seat.state !== free));
        button.setAttribute('aria-pressed', String(this.chosen.has(seat.label)));
        button.addEventListener('click', () => this.toggle(seat.label));
        return button;
      }),
    );
    const entry = [...this.list.children].find((seat) => seat.dataset.label === focused) ?? this.list.firstElementChild;
    if (entry) entry.tabIndex = 0;
    if (focused && entry?.dataset.label === focused) entry.focus();
  }

  // moveFocus moves between the seats of the row: the whole row is one stop of the Tab key.
  moveFocus(e) {
    const seats = [...this.list.children];
    const at = seats.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: seats.length - 1 }[e.key];
    if (at < 0 || !seats[to]) return;
    e.preventDefault();
    seats[at].tabIndex = -1;
    seats[to].tabIndex = 0;
    seats[to].focus();
  }
}

// placeRows returns where the first seat of each row is and in which direction the others follow, and how large the map is, all in seats: as the
// rows are laid out, else one behind the other around a line to the front.
function placeRows(rows) {
  const widest = Math.max(...rows.map(({ states }) => states.length), 1);
  const places = rows.map(({ states, layout }, i) => {
    const { x, y, rotation } = layout ?? { x: (widest - states.length) / 2, y: i, rotation: 0 };
    const [cos, sin] = [Math.cos((rotation * Math.PI) / 180), Math.sin((rotation * Math.PI) / 180)];
    return { x, y, cos, sin, last: states.length - 1 };
  });
  const across = places.flatMap(({ x, cos, last }) => [x, x + last * cos]);
  const down = places.flatMap(({ y, sin, last }) => [y, y + last * sin]);
  const [left, top] = [Math.min(...across), Math.min(...down)];
  for (const place of places) Object.assign(place, { x: place.x - left + 1, y: place.y - top + 1 });
  return { places, width: Math.max(...across) - left + 2, height: Math.max(...down) - top + 2 };
}

function circle(path, x, y, radius) {
  path.moveTo(x + radius, y);
  path.arc(x, y, radius, 0, 2 * Math.PI);
}

function cross(path, x, y, reach) {
  path.moveTo(x - reach, y - reach);
  path.lineTo(x + reach, y + reach);
  path.moveTo(x + reach, y - reach);
  path.lineTo(x - reach, y + reach);
}

const followed = new Set();
let source;

// follow has a picker hear of changes; all share one stream.
function follow(picker) {
  followed.add(picker);
  if (source) return;
  const variables = JSON.stringify({ id: form.dataset.event });
  source = new EventSource(`/graphql?${new URLSearchParams({ query: changesSubscription, variables })}`);
  let connected = false;
  let refused = false;
  let seen; // the version of the newest message
  source.addEventListener('next', (message) => {
    const { data, errors } = JSON.parse(message.data);
    const changes = data?.seatChanges;
    refused = !data && errors?.[0]?.extensions?.code !== 'UNAVAILABLE';
    if (!changes) return;
    // The first message of all says only how far the seats are: what changed before is in a map that is read after it. After a break the browser says
    // which message it had last, and gets what changed meanwhile.
    const sinceBreak = changes.version === seen || changes.changes.length + changes.reload.length > 0;
    followed.forEach((each) => (connected || sinceBreak ? each.apply(changes) : each.load()));
    connected = true;
    seen = changes.version;
  });
  source.addEventListener('error', () => {
    connected = false;
  });
  // A server that stops completes the stream, too; then the browser connects again by itself.
  source.addEventListener('complete', () => {
    if (refused) source.close();
  });
  addEventListener('pagehide', () => source.close());
}

for (const row of form?.querySelectorAll('[data-section]:has(.picker)') ?? []) new Picker(row);
