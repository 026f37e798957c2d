/** Backoff, clocks, times, statistics, health and the return's sound: the small pure files of web/js. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, ServerClock } from '../../web/js/backoff.js';
import { clientWords, feedFigures, feedWords, missing, warnings } from '../../web/js/health.js';
import { returnSound } from '../../web/js/returns.js';
import { quality, summarisePublish, summariseWatch } from '../../web/js/stats.js';
import { clock, clockSeconds, day, duration, inWords, length, ownZone, sameClock, shortDay, zoneName } from '../../web/js/time.js';
import { Vigil } from '../../web/js/vigil.js';
import { fault, presence } from '../../web/js/words.js';
import { person, show } from './show.js';

test('backoff doubles, is bounded, and half of it is chance', () => {
  const waits = [0, 1, 2, 50].map((n) => backoff(n, { least: 100, most: 1000, random: () => 1 }));
  assert.deepEqual(waits, [100, 200, 400, 1000]);
  assert.equal(backoff(0, { least: 100, random: () => 0 }), 50);
});

test('the server clock trusts the quickest round trip', () => {
  const server = new ServerClock();
  server.sample(0, 1900, 800); // slow: says +1500
  server.sample(1000, 2010, 1020); // quick: says +1000
  assert.equal(server.offset, 1000);
  assert.equal(server.rtt, 20);
});

test('the server clock forgets old samples, so that it follows a clock that is set', () => {
  const server = new ServerClock();
  server.sample(0, 1000, 0);
  for (let i = 0; i < 8; i += 1) server.sample(0, 5010, 10);
  assert.equal(server.offset, 5005);
});

test('a clock that is set is followed at once', () => {
  const server = new ServerClock();
  server.sample(0, 1000, 10);
  server.sample(100, 1101, 112); // drift and noise change nothing
  assert.equal(server.offset, 995);
  server.sample(200, 61_205, 210);
  assert.equal(server.offset, 61_000);
});

test('durations read like a clock and end on zero', () => {
  assert.deepEqual([0, 100, 1000, 61_000, 3_661_000, 90_000_000].map(duration), ['0:00', '0:01', '0:01', '1:01', '1:01:01', '1 d 1 h']);
  assert.equal(duration(-5000), '0:00');
});

test('planned lengths are whole minutes or minutes and seconds', () => {
  assert.deepEqual([25, 1.5, 0.667, 0.4].map(length), ['25 min', '1:30', '0:40', '0:24']);
});

test('a clock is read in 24 hours', () => {
  assert.equal(clock(Date.UTC(2023, 2, 29, 22, 8), 'UTC'), '22:08');
  assert.equal(clock(Date.UTC(2023, 2, 29, 0, 8), 'UTC'), '00:08');
});

test('a zone that nobody knows is read by UTC', () => {
  assert.equal(clock(Date.UTC(2023, 2, 29, 22, 8), 'Moon/Tranquillity'), '22:08');
});

test('a format is made once, however often times are told', () => {
  const Format = Intl.DateTimeFormat;
  let made = 0;
  Intl.DateTimeFormat = class extends Format {
    constructor(...how) {
      super(...how);
      made += 1;
    }
  };
  const tell = (n) => [clock, clockSeconds, day, shortDay].flatMap((told) => [told(n * 60_000, 'Asia/Taipei'), told(n * 60_000)]);
  for (let n = 0; n < 100; n += 1) assert.ok(tell(n).every(Boolean) && ownZone() && !sameClock(n, 'UTC', 'Asia/Taipei'));
  Intl.DateTimeFormat = Format;
  assert.ok(made <= 10, `${made}`);
});

test('waits are told in words', () => {
  assert.deepEqual([10_000, 12 * 60_000, 125 * 60_000, 3 * 86_400_000].map(inWords), ['now', 'in 12 min', 'in 2 h 5 min', 'in 3 days']);
});

test('a zone that no browser knows does not take the page down', () => {
  assert.equal(clock(0, 'Not/AZone'), clock(0, 'UTC'));
  assert.equal(zoneName('America/New_York'), 'New York');
  assert.equal(sameClock(0, 'Asia/Taipei', 'Asia/Shanghai'), true);
  assert.equal(sameClock(0, 'Asia/Taipei', 'UTC'), false);
});

test('watching is summed up in fps, losses and bits a second', () => {
  const entries = (bytes, packets, lost) => [
    { type: 'inbound-rtp', kind: 'video', bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, framesDecoded: 30, framesPerSecond: 30, frameWidth: 1280, frameHeight: 720, freezeCount: 0, jitter: 0.004 },
    { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.031 },
  ];
  const first = summariseWatch(entries(0, 0, 0), null, 1000);
  const { summary } = summariseWatch(entries(250_000, 90, 10), first.mark, 2000);
  assert.equal(summary.bitrate, 2_000_000);
  assert.equal(summary.loss, 0.1);
  assert.equal(summary.rtt_ms, 31);
  assert.equal(summary.height, 720);
});

test('statistics of a connection without media are zeros, not errors', () => {
  assert.equal(summariseWatch([], null, 0).summary.fps, 0);
  assert.equal(summarisePublish([], null, 0).summary.height, 0);
});

test('publishing tells what the line would carry, where the browser knows', () => {
  const pair = { type: 'candidate-pair', nominated: true, availableOutgoingBitrate: 1_234_567.8 };
  assert.equal(summarisePublish([pair], null, 0).summary.room, 1_234_568);
  assert.equal('room' in summarisePublish([], null, 0).summary, false);
});

test('a line in plain words: good, fair, poor', () => {
  assert.equal(quality({ loss: 0, rtt_ms: 40, height: 720 }).level, 'good');
  assert.equal(quality({ loss: 0.04, height: 720 }).level, 'fair');
  assert.equal(quality({ loss: 0.2, height: 720 }).level, 'poor');
  assert.equal(quality({ limited: 'cpu', height: 720 }).level, 'fair');
});

test('on air a return with one\'s own voice is silent, whatever anybody wishes', () => {
  for (const wanted of [true, false]) {
    for (const headphones of [true, false]) assert.equal(returnSound({ tally: 'air', wanted, headphones, company: true }).on, false);
  }
});

test('with mix-minus headphones hear the others on air; loudspeakers only where there are others', () => {
  const air = { tally: 'air', wanted: true, mixMinus: true };
  assert.equal(returnSound({ ...air, headphones: true }).on, true);
  assert.equal(returnSound({ ...air, headphones: false }).on, false);
  assert.equal(returnSound({ ...air, headphones: false, company: true }).on, true);
  assert.equal(returnSound({ ...air, wanted: false, headphones: true }).on, false);
});

test('on standby the return sounds only in headphones', () => {
  assert.equal(returnSound({ tally: 'standby', wanted: true, headphones: false }).on, false);
  assert.equal(returnSound({ tally: 'standby', wanted: true, headphones: true }).on, true);
  assert.equal(returnSound({ tally: 'off', wanted: true, headphones: false }).on, true);
});

test('on standby a producer who speaks is heard without headphones, unless the sound was switched off', () => {
  const called = { wanted: true, headphones: false, mixMinus: true, called: true };
  assert.equal(returnSound({ ...called, tally: 'standby' }).on, true);
  assert.equal(returnSound({ ...called, tally: 'standby', wanted: false }).on, false);
  assert.equal(returnSound({ ...called, tally: 'air' }).on, false);
});

const feed = { id: 'ana', owner: 'ana', kind: 'camera', width: 1280, height: 720, fps: 29.9, verdict: 'good', why: '' };

test('a feed is told by figures, and by a word or what is wrong with it', () => {
  assert.deepEqual(feedWords(feed), { words: 'Good', tone: 'good' });
  assert.equal(feedFigures({ ...feed, bitrate: 2_400_000, loss: 0.004, rtt_ms: 31.4 }), '720p30  2.4M  0.4%  31ms');
  assert.equal(feedFigures(null), '');
  assert.equal(feedWords({ ...feed, verdict: 'dead', why: 'no picture for 3 s' }).tone, 'bad');
  assert.equal(feedWords(null).words, '');
});

test('what a feed lacks is said by name: page, camera, picture', () => {
  const event = show({ people: [person('ana', { connected: false, feeds: [] }), person('ben', { feeds: [] }), person('cleo')] });
  assert.match(missing(event, null, 'ana'), /not connected/);
  assert.match(missing(event, null, 'ben'), /no camera/);
  assert.match(missing(event, null, 'cleo.slides'), /no screen/);
  assert.equal(missing(event, null, 'cleo'), '');
  assert.equal(missing(event, { feeds: [{ ...feed, id: 'cleo', verdict: 'dead', why: 'no packet for 3 s' }] }, 'cleo'), 'no packet for 3 s');
});

test('a screen without picture or sound is marked', () => {
  const screen = { id: '1', name: 'Wall', role: 'screen', page: 'screen', since: 0, rtt_ms: 4, stats: { fps: 30, sound: 1 } };
  const tone = (/** @type {object} */ stats) => clientWords({ ...screen, stats: { ...screen.stats, ...stats } }, null).tone;
  assert.equal(tone({}), 'good');
  assert.equal(tone({ sound: 0 }), 'warn');
  assert.equal(tone({ fps: 0 }), 'bad');
});

test('pictures are few by the rate of this programme, not by another', () => {
  const wall = { id: '1', name: 'Wall', role: 'screen', page: 'screen', since: 0, rtt_ms: 4, stats: { fps: 19, sound: 1 } };
  const of = (/** @type {number} */ rate) => clientWords(wall, { mixer: { nominal_fps: rate } }).tone;
  assert.equal(of(20), 'good');
  assert.equal(of(30), 'warn');
});

test('warnings name what the producer must know', () => {
  const health = { mixer: { state: 'starting' }, clients: [{ page: 'screen', name: 'Wall', stats: { fps: 0 } }], feeds: [{ ...feed, verdict: 'dead', why: 'no packets' }] };
  const texts = warnings(health, () => 'Ana');
  assert.equal(texts.length, 3);
  assert.match(texts[2], /Ana: no packets/);
  assert.deepEqual(warnings(null, String), []);
});

test('a code that nobody knows yet still gets a sentence', () => {
  assert.equal(fault('brand_new', 'The server says so.').text, 'The server says so.');
  assert.match(fault('no_usable_codec').title, /cannot show/);
});

test('who is on standby and not ready is shown so', () => {
  const how = (over) => presence(person('ana', over));
  assert.deepEqual(how({ state: 'standby', ready: true }), { words: 'Standby', tone: 'good' });
  assert.deepEqual(how({ state: 'standby', ready: false }), { words: 'Standby, not ready', tone: 'warn' });
  assert.deepEqual(how({ state: 'absent', removed: true }), { words: 'Removed', tone: 'bad' });
  assert.deepEqual(presence(null), { words: '', tone: '' });
});

test('who is not here is absent, although their talk was forced on air', () => {
  const how = (over) => presence(person('ana', { state: 'on_air', ...over }));
  assert.deepEqual(how({}), { words: 'On air', tone: 'air' });
  assert.deepEqual(how({ connected: false, feeds: [] }), { words: 'Absent', tone: 'bad' });
  assert.deepEqual(how({ connected: false }), { words: 'On air', tone: 'air' }, 'an encoder needs no page');
});

test('a connection lives as long as anything comes: media, reports, or answers to checks', () => {
  const vigil = new Vigil();
  vigil.begin(0);
  const entries = (bytes, answers) => [{ type: 'transport', bytesReceived: bytes }, { type: 'candidate-pair', responsesReceived: answers }];
  for (let now = 0; now <= 20_000; now += 1000) {
    vigil.look(entries(100, Math.floor(now / 2500)), now);
    assert.equal(vigil.dead(now), false);
  }
  vigil.look(entries(100, 8), 27_000);
  assert.equal(vigil.dead(27_000), true);
});

test('after a change of network the old path must prove itself soon', () => {
  const vigil = new Vigil();
  const look = (bytes, now) => vigil.look([{ type: 'transport', bytesReceived: bytes }], now);
  vigil.begin(0);
  look(1, 9000);
  vigil.moved(10_000);
  look(1, 12_000);
  assert.equal(vigil.dead(12_000), false);
  assert.equal(vigil.dead(13_100), true);
  look(2, 13_200);
  assert.equal(vigil.dead(13_200), false);
});
