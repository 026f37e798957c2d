/** web/js/programme.js and deck.js: one chosen size for both ways, and for what is started later. */

import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { install, Screen, until } from './browser.js';

/** As much of hls.js as chooses a level. Its order of levels is its own. */
class Hls {
  static Events = { LEVEL_UPDATED: 'updated', MANIFEST_PARSED: 'parsed', ERROR: 'error' };
  static made = [];
  static isSupported = () => true;
  levels = [];
  latency = 0;
  liveSyncPosition = null;
  #heard = {};
  constructor() {
    Hls.made.push(this);
  }
  on(type, listener) {
    this.#heard[type] = listener;
  }
  parses(...heights) {
    this.levels = heights.map((height) => ({ height, bitrate: height }));
    this.#heard.parsed();
  }
  loadSource() {}
  attachMedia() {}
  destroy() {}
}

globalThis.Hls = Hls;
registerHooks({
  resolve: (name, context, next) =>
    name.startsWith('/lib/hls.js') ? { url: 'data:text/javascript,export default globalThis.Hls', shortCircuit: true } : next(name, context),
});
install();
const { Programme } = await import('../../web/js/programme.js');

/** A viewer who goes back into the recording, and the hls.js that plays it. */
async function behind() {
  const now = 1e12;
  const programme = new Programme({ live: new Screen(), replay: new Screen(), pass: null, now: () => now });
  const asked = [];
  programme.watcher.start = () => undefined;
  programme.watcher.setRendition = async (id) => void asked.push(id);
  programme.seek(now - 600_000);
  await until(() => Hls.made.length > 0);
  return { programme, asked, hls: Hls.made.pop() };
}

test('a size is chosen by its name, whichever place it has in the list of hls.js', async () => {
  const { programme, asked, hls } = await behind();
  assert.deepEqual([programme.qualities, programme.quality], [[], 'auto']);
  hls.parses(360, 720);
  assert.deepEqual(programme.qualities, ['720p', '360p']);
  programme.quality = '720p';
  assert.deepEqual([programme.quality, hls.nextLevel], ['720p', 1]);
  assert.deepEqual(asked, ['720p']); // WebRTC, when it is there again
  programme.quality = 'auto';
  assert.deepEqual([programme.quality, hls.nextLevel, asked.at(-1)], ['auto', -1, 'auto']);
});

test('what is not offered is not chosen', async () => {
  const { programme, asked, hls } = await behind();
  hls.parses(720, 360);
  for (const stale of ['0', '1080p', '']) programme.quality = stale;
  assert.deepEqual([programme.quality, hls.nextLevel, asked], ['auto', undefined, []]);
});

test('what is started anew begins with the chosen size, as soon as its levels are known', async () => {
  const { programme, hls } = await behind();
  hls.parses(360, 720);
  assert.equal(hls.loadLevel, undefined);
  programme.quality = '360p';
  programme.deck.stop();
  programme.seek(1e12 - 300_000);
  await until(() => Hls.made.length > 0);
  const next = Hls.made.pop();
  assert.equal(programme.quality, 'auto');
  next.parses(720, 360);
  assert.deepEqual([programme.quality, next.loadLevel], ['360p', 1]);
});
