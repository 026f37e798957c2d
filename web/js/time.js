/** (P) Times for people: in the viewer's own zone, in the event's, and as countdowns. */

/** A rundown is read in 24 hours everywhere; only the digits follow the viewer's locale. */
const HOURS = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

const KINDS = /** @type {const} */ ({
  clock: HOURS,
  seconds: { ...HOURS, second: '2-digit' },
  day: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  short: { day: 'numeric', month: 'short' },
  parts: { hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
});

const formats = /** @type {Map<string, Intl.DateTimeFormat>} */ (new Map());

/**
 * To make a format costs a hundred times what to use it does, so each is made once.
 *
 * @param {keyof typeof KINDS} kind @param {string} [zone] by default that of this machine, which may travel
 */
function format(kind, zone) {
  const key = `${kind} ${zone ?? new Date().getTimezoneOffset()}`;
  const made = formats.get(key) ?? make(kind, zone);
  formats.set(key, made);
  return made;
}

/** An unknown zone must not take the page down. @param {keyof typeof KINDS} kind @param {string} [zone] */
function make(kind, zone) {
  const locale = kind === 'parts' ? 'en' : undefined;
  try {
    return new Intl.DateTimeFormat(locale, { ...KINDS[kind], timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat(locale, { ...KINDS[kind], timeZone: 'UTC' });
  }
}

/** @param {number} ms epoch @param {string} [zone] @returns {string} "14:05" */
export function clock(ms, zone) {
  return format('clock', zone).format(ms);
}

/** @param {number} ms epoch @param {string} [zone] @returns {string} with seconds */
export function clockSeconds(ms, zone) {
  return format('seconds', zone).format(ms);
}

/** @param {number} ms epoch @param {string} [zone] @returns {string} "Wednesday 29 March 2023" */
export function day(ms, zone) {
  return format('day', zone).format(ms);
}

/** @param {number} ms epoch @param {string} [zone] @returns {string} "29 Mar" */
export function shortDay(ms, zone) {
  return format('short', zone).format(ms);
}

/** @param {number} from @param {number} to epoch ms @param {string} [zone] @returns {string} "14:00–16:30" */
export function span(from, to, zone) {
  return `${clock(from, zone)}\u2013${clock(to, zone)}`;
}

/** @returns {string} the viewer's zone, for example "Europe/Ljubljana" */
export function ownZone() {
  return format('clock').resolvedOptions().timeZone || 'UTC';
}

/** @param {string} zone @returns {string} "Taipei", "New York" */
export function zoneName(zone) {
  return (zone.split('/').pop() ?? zone).replaceAll('_', ' ');
}

/** @param {number} ms epoch @param {string} a zone @param {string} b zone @returns {boolean} whether clocks in both show the same */
export function sameClock(ms, a, b) {
  return clock(ms, a) === clock(ms, b) && shortDay(ms, a) === shortDay(ms, b);
}

/**
 * A stretch of time as a clock: "4:05", "1:02:09"; with days "2 d 3 h". Rounded so that a countdown ends on 0:00.
 *
 * @param {number} ms @returns {string}
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000 - 0.001));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  if (days > 0) return `${days} d ${hours} h`;
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** A planned length. @param {number} minutes @returns {string} "25 min", or "1:40" where it is not in whole minutes */
export function length(minutes) {
  const seconds = Math.round(minutes * 60);
  return seconds % 60 === 0 ? `${seconds / 60} min` : duration(seconds * 1000);
}

/** @param {number} ms @returns {string} "in 12 min", "in 2 h 5 min", "now" */
export function inWords(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `in ${minutes} min`;
  if (minutes < 2880) return `in ${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
  return `in ${Math.round(minutes / 1440)} days`;
}

/** A wall clock's time in a zone. One that its clocks leave out is that much later. @param {string} text "2023-06-08T09:00" @param {string} zone @returns {number} epoch ms, NaN where it is no time */
export function atZone(text, zone) {
  const meant = Date.parse(`${text}Z`);
  if (Number.isNaN(meant)) return NaN;
  const before = meant - offset(meant - 86_400_000, zone);
  const close = meant - offset(before, zone);
  return close + offset(close, zone) === meant ? close : before;
}

/** How far a zone's clocks are ahead of UTC then, ms. @param {number} ms @param {string} zone */
function offset(ms, zone) {
  const parts = format('parts', zone).formatToParts(ms);
  const part = (/** @type {string} */ type) => Number(parts.find((each) => each.type === type)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - Math.floor(ms / 1000) * 1000;
}
