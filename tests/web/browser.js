/** As much of a browser as the parts of the pages use, for tests in node: elements, a video, and a clock that is set. */

/** What the page's clock shows, ms; `pass` sets it on. */
export const clock = { now: 1000 };
const timers = new Map();
let count = 0;

const timer = (repeat) => (run, ms = 0) => {
  timers.set(++count, { run, at: clock.now + ms, every: repeat ? Math.max(1, ms) : 0 });
  return count;
};
const clear = (id) => void timers.delete(id);

/** Lets time go by, with everything that is due meanwhile. @param {number} ms */
export function pass(ms) {
  const end = clock.now + ms;
  for (;;) {
    const [id, due] = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
    if (!due) break;
    clock.now = Math.max(clock.now, due.at);
    if (due.every) due.at += due.every;
    else timers.delete(id);
    due.run();
  }
  clock.now = end;
}

/** Lets what waits for nothing but other code go on, until it has come so far. @param {() => unknown} there */
export async function until(there) {
  for (let turn = 0; turn < 2000 && !there(); turn += 1) await new Promise((done) => setImmediate(done));
  if (!there()) throw new Error(`never: ${there}`);
}

export class Element extends EventTarget {
  dataset = {};
  hidden = false;
  textContent = '';
  children = [];
  parent = null;
  box = { left: 0, width: 100 };
  #attributes = new Map();
  style = { setProperty() {} };
  get isConnected() {
    return this.parent !== null;
  }
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  get nextElementSibling() {
    return this.parent?.children[this.parent.children.indexOf(this) + 1] ?? null;
  }
  append(...nodes) {
    for (const node of nodes) this.insertBefore(node, null);
  }
  insertBefore(node, place) {
    if (!(node instanceof Element)) return void (this.textContent += node);
    node.remove();
    this.children.splice(place ? this.children.indexOf(place) : this.children.length, 0, node);
    node.parent = this;
  }
  remove() {
    if (this.parent) this.parent.children = this.parent.children.filter((child) => child !== this);
    this.parent = null;
  }
  contains(node) {
    return node === this || this.children.some((child) => child.contains(node));
  }
  hasAttribute(name) {
    return this.#attributes.has(name);
  }
  getAttribute(name) {
    return this.#attributes.get(name) ?? null;
  }
  setAttribute(name, value) {
    this.#attributes.set(name, value);
  }
  removeAttribute(name) {
    this.#attributes.delete(name);
  }
  toggleAttribute(name, on) {
    if (on) this.setAttribute(name, '');
    else this.removeAttribute(name);
  }
  getBoundingClientRect() {
    return this.box;
  }
  setPointerCapture() {}
  /** Somebody did this to it. @param {string} type @param {object} [how] */
  happens(type, how = {}) {
    this.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), how));
  }
}

export class Video extends Element {
  currentTime = 0;
  readyState = 0;
  paused = false;
  muted = false;
  volume = 1;
  playbackRate = 1;
  srcObject = null;
  seekable = { length: 0 };
  canPlayType() {
    return 'maybe';
  }
  load() {
    this.currentTime = this.readyState = 0;
  }
  async play() {
    this.paused = false;
  }
  pause() {
    this.paused = true;
  }
}

/** As much of a player as the programme uses. */
export class Screen extends Element {
  video = new Video();
  lastPicture = 0;
  tuning() {}
  rest() {}
  fill() {}
  hold(held) {
    this.video.paused = held;
  }
  sound(on) {
    this.video.muted = !on;
  }
}

/** Puts it in the place of node's own. There is no hls.js: a video element plays by itself, from the date `begin`. @param {number} begin epoch ms */
export function install(begin = 0) {
  performance.now = () => clock.now;
  Video.prototype.getStartDate = () => new Date(begin);
  console.info = () => undefined; // "connecting again" says nothing here
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible', createElement: (tag) => (tag === 'video' ? new Video() : new Element()) });
  Object.assign(globalThis, {
    window: globalThis,
    document,
    HTMLElement: Element,
    Element,
    customElements: { define() {} },
    MediaStream: class {},
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
    dispatchEvent: page.dispatchEvent.bind(page),
    setTimeout: timer(false),
    setInterval: timer(true),
    clearTimeout: clear,
    clearInterval: clear,
    fetch: async () => ({ status: 404, ok: false }),
  });
  return document;
}
