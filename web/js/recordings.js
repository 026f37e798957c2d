/** What of the event can be had as a file: asks the server, and says it in words. */

/**
 * @typedef {{id: string, title: string, speakers: string[], start: number, end: number, seconds: number,
 *   octets: number, state: 'ready' | 'making' | 'none' | 'failed' | 'lost'}} Recording
 * @typedef {{file: string, octets: number, written: number}} KeptFeed
 * @typedef {{recordings: Recording[], feeds: KeptFeed[]}} Shelf
 * @typedef {{state: string, url?: string, name?: string}} Answer
 */

/** A server that does not answer is asked no longer than this, ms. */
const PATIENCE = 20_000;

/** @param {string} path @param {string | null} pass @param {string} method @returns {Promise<any>} throws with the server's own words */
async function ask(path, pass, method) {
  /** @type {Record<string, string>} */
  const headers = pass ? { Authorization: `Bearer ${pass}` } : {};
  const response = await fetch(path, { method, headers, signal: AbortSignal.timeout(PATIENCE) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? `The server answered ${response.status}.`);
  return body;
}

/** @param {string | null} pass @returns {Promise<Shelf>} */
export function listRecordings(pass) {
  return ask('/api/recordings', pass, 'GET');
}

/** Orders a file, or says where it is. @param {string} id @param {string | null} pass @returns {Promise<Answer>} */
export function askRecording(id, pass) {
  return ask(`/api/recordings/${encodeURIComponent(id)}`, pass, 'POST');
}

/** @param {string} file @param {string | null} pass @returns {Promise<Answer>} */
export function askFeed(file, pass) {
  return ask(`/api/recordings/feeds/${encodeURIComponent(file)}`, pass, 'POST');
}

/** @param {number} octets @returns {string} "1.2 GB" */
export function size(octets) {
  if (octets >= 1e9) return `${(octets / 1e9).toFixed(1)} GB`;
  return octets >= 1e6 ? `${Math.round(octets / 1e6)} MB` : `${Math.ceil(octets / 1e3)} kB`;
}

/** @param {number} seconds @returns {string} "1:02:03" or "2:03" */
export function length(seconds) {
  const whole = Math.round(seconds);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** What a recording's button says. @param {Recording['state']} state @returns {string} '' where there is nothing to press */
export function buttonWords(state) {
  return { ready: 'Download', making: 'Being made\u2026', none: 'Make MP4', failed: 'Try again', lost: '' }[state];
}

/** @param {KeptFeed} feed @param {(id: string) => string} nameOf @returns {string} the speaker and whether it is their screen */
export function feedName(feed, nameOf) {
  const stem = feed.file.replace(/-\d{8}T\d{6}Z(-\d+)?\.mkv$/, '');
  const slides = stem.endsWith('-slides');
  return `${nameOf(slides ? stem.slice(0, -7) : stem)}${slides ? ' (screen)' : ''}`;
}

/** A field for a time has no seconds: the minute that runs is no past. */
const MINUTE = 60_000;

/**
 * What is wrong with the hour of a re-air, for its field.
 *
 * @param {number | null} at epoch ms; null: as soon as it can be, NaN: no time @param {boolean} loop @param {number} now server
 * @returns {string} '' where nothing is
 */
export function planFault(at, loop, now) {
  if (at === null) return '';
  if (Number.isNaN(at)) return 'This is no time.';
  return !loop && at < now - MINUTE ? 'This time is over. Choose a later one, or none for now.' : '';
}
