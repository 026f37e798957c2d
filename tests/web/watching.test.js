/** The viewer's page: which way the programme comes, where moments lie on the rewind bar, and the words for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, before, behind, chapterAt, dateAt, extent, moment, pieces, place, spoken, strips, thumbnail, timeAt } from '../../web/js/timeline.js';
import { begin, choose, GRACE, PATIENCE, plan } from '../../web/js/transport.js';
import { cardOver, modeOf, watching } from '../../web/js/watching.js';
import { show, talk } from './show.js';

/** Lives through events; those without a time happen at the last one's. */
function live(...events) {
  return events.reduce(choose, begin(0));
}
const rtc = (state, at, code = null) => ({ type: 'rtc', state, code, at });
const picture = (of, at) => ({ type: 'picture', of, at });
const hls = (state, at) => ({ type: 'hls', state, at });
const want = (what, at) => ({ type: 'want', want: what, at });
const tick = (at) => ({ type: 'tick', at });

test('WebRTC alone is tried at first, and shown', () => {
  assert.deepEqual(plan(begin(0), PATIENCE - 1), { rtc: true, hls: false, edge: true, show: null });
  const choice = live(rtc('connected', 300), picture('rtc', 400));
  assert.deepEqual(plan(choice, 60_000), { rtc: true, hls: false, edge: true, show: 'rtc' });
});

test('without a picture for two seconds LL-HLS starts beside it, and is shown until WebRTC has one', () => {
  const waiting = live(rtc('connecting', 0), tick(PATIENCE));
  assert.deepEqual([plan(waiting, PATIENCE).rtc, plan(waiting, PATIENCE).hls], [true, true]);
  const shown = [hls('started', 2000), picture('hls', 2600)].reduce(choose, waiting);
  assert.equal(plan(shown, 2600).show, 'hls');
  const both = choose(shown, picture('rtc', 4000));
  assert.deepEqual(plan(both, 4000), { rtc: true, hls: false, edge: true, show: 'rtc' });
});

test('a browser without H264 in WebRTC goes to LL-HLS at once and asks WebRTC no more', () => {
  const choice = live(rtc('refused', 100, 'no_usable_codec'));
  assert.deepEqual([plan(choice, 101).rtc, plan(choice, 101).hls], [false, true]);
  assert.equal(plan(choice, 1e9).rtc, false);
});

test('a refused pass ends both ways', () => {
  assert.deepEqual(plan(live(rtc('refused', 100, 'pass_expired')), 10_000), { rtc: false, hls: false, edge: false, show: null });
});

test('where UDP is blocked WebRTC rests longer and longer, while LL-HLS plays', () => {
  let choice = live(rtc('connecting', 0), hls('started', 2000), picture('hls', 2500));
  let at = 10_000;
  const rests = [];
  for (let round = 0; round < 4; round += 1) {
    assert.equal(plan(choice, at).rtc, true);
    choice = choose(choice, rtc('waiting', at, 'no_media'));
    assert.deepEqual([plan(choice, at).rtc, plan(choice, at).show], [false, 'hls']);
    rests.push(choice.rtcAgain - at);
    at = choice.rtcAgain;
    choice = [rtc('idle', at - 10), rtc('connecting', at)].reduce(choose, choice);
    at += 10_000;
  }
  assert.deepEqual(rests, [...rests].sort((a, b) => a - b));
  assert.ok(rests[0] < rests[3]);
});

test('a line that breaks is tried again at once, LL-HLS or not', () => {
  const choice = live(hls('started', 2000), picture('hls', 2500), rtc('waiting', 3000, 'connection_lost'));
  assert.equal(plan(choice, 3001).rtc, true);
});

test('a picture that is lost comes back by whichever way is first', () => {
  const lost = live(picture('rtc', 400), rtc('waiting', 60_000, 'connection_lost'));
  assert.equal(plan(lost, 60_100).hls, false);
  assert.equal(plan(lost, 60_000 + PATIENCE).hls, true);
  assert.equal(plan(choose(lost, picture('rtc', 61_000)), 70_000).hls, false);
});

test('going back keeps the live picture until LL-HLS has one, and then ends WebRTC', () => {
  const back = live(picture('rtc', 400), want('behind', 5000));
  assert.deepEqual(plan(back, 5001), { rtc: true, hls: true, edge: false, show: 'rtc' });
  const there = [hls('started', 5001), picture('hls', 5600)].reduce(choose, back);
  assert.deepEqual(plan(there, 5601), { rtc: false, hls: true, edge: false, show: 'hls' });
});

test('back to live: the recording goes on until WebRTC has a picture, and jumps to the edge if that takes long', () => {
  const behindIt = live(picture('rtc', 400), want('behind', 5000), hls('started', 5001), picture('hls', 5600), rtc('idle', 5700));
  const again = [want('live', 9000), rtc('connecting', 9001)].reduce(choose, behindIt);
  assert.deepEqual(plan(again, 9002), { rtc: true, hls: true, edge: false, show: 'hls' });
  assert.equal(plan(again, 9000 + GRACE).edge, true);
  assert.equal(plan(choose(again, picture('rtc', 9300)), 9300).show, 'rtc');
});

test('back to live where UDP is blocked is the edge at once', () => {
  const blocked = live(hls('started', 2000), picture('hls', 2500), rtc('waiting', 9500, 'no_media'), want('behind', 9600), want('live', 9700));
  assert.deepEqual(plan(blocked, 9701), { rtc: false, hls: true, edge: true, show: 'hls' });
});

test('LL-HLS that fails is tried again after a while; a browser that cannot play it is live only', () => {
  const failed = live(tick(PATIENCE), hls('started', 2000), hls('failed', 2100));
  assert.equal(plan(failed, 2101).hls, false);
  assert.equal(plan(failed, failed.hlsAgain).hls, true);
  const without = live(picture('rtc', 400), want('behind', 500), hls('missing', 600));
  assert.deepEqual([without.want, plan(without, 1e6).hls, plan(without, 1e6).show], ['live', false, 'rtc']);
});

test('media time and dates are told from one another, also over a hole that a restart has left', () => {
  const segments = [0, 2, 4].map((start) => ({ start, duration: 2, programDateTime: 1000 + start * 1000 }));
  segments.push({ start: 6, duration: 2, programDateTime: 37_000 });
  const all = pieces(segments);
  assert.equal(all.length, 2);
  assert.equal(dateAt(all, 5), 6000);
  assert.equal(dateAt(all, 7), 38_000);
  assert.equal(timeAt(all, 6000), 5);
  assert.equal(timeAt(all, 20_000), 6); // never on air: the next that was
  assert.equal(timeAt(all, 0), 0);
  assert.equal(dateAt([], 3), null);
});

test('a playlist of hours is one piece, and every date comes back as it went in', () => {
  const segments = Array.from({ length: 4500 }, (_, n) => ({ start: n * 2, duration: 2, programDateTime: 1e12 + n * 2000 + (n % 3) }));
  const all = pieces(segments);
  assert.equal(all.length, 1);
  for (const time of [0, 17.25, 8999]) assert.ok(Math.abs(timeAt(all, dateAt(all, time)) - time) < 1e-6);
});

const chapter = (id, start, end) => ({ id, talk: id, title: `Talk ${id}`, speakers: [{ id: 'x', name: 'Xenia' }], start, end });
const MINUTE = 60_000;
const LIST = [chapter('a', 10 * MINUTE, 20 * MINUTE), chapter('b', 20 * MINUTE, 30 * MINUTE), chapter('c', 35 * MINUTE, null)];
const TOLD = { now: 40 * MINUTE, state: 'live', chapters: LIST, rewind: { from: 0 } };

test('the bar begins shortly before the first talk that is kept, and ends now, or with the last talk', () => {
  assert.deepEqual(extent(TOLD, 40 * MINUTE), { from: 10 * MINUTE - 15_000, to: 40 * MINUTE });
  assert.equal(extent({ ...TOLD, rewind: { from: 15 * MINUTE } }, 40 * MINUTE).from, 15 * MINUTE);
  assert.equal(extent({ ...TOLD, state: 'over', chapters: LIST.slice(0, 2) }, 90 * MINUTE).to, 30 * MINUTE);
  assert.equal(extent({ ...TOLD, chapters: [] }, 40 * MINUTE), null);
  assert.equal(extent({ ...TOLD, rewind: null }, 40 * MINUTE), null);
  assert.equal(extent(null, 0), null);
});

test('strips cover the bar without overlap, talks and what lies between', () => {
  const whole = extent(TOLD, 40 * MINUTE);
  const made = strips(whole, LIST);
  assert.deepEqual(made.map((strip) => strip.chapter?.id ?? null), [null, 'a', 'b', null, 'c']);
  let at = 0;
  for (const strip of made) {
    assert.ok(Math.abs(strip.left - at) < 1e-9);
    at = strip.left + strip.width;
  }
  assert.ok(Math.abs(at - 1) < 1e-9);
});

test('a press near the start of a talk is its start', () => {
  const whole = extent(TOLD, 40 * MINUTE);
  assert.equal(moment(whole, place(whole, 20 * MINUTE) + 0.003, LIST), 20 * MINUTE);
  assert.ok(Math.abs(moment(whole, 0.5, LIST) - (whole.from + whole.to) / 2) < 1);
  assert.equal(moment(whole, 7, LIST), whole.to);
});

test('to the chapter before and after', () => {
  assert.equal(chapterAt(LIST, 25 * MINUTE).id, 'b');
  assert.equal(chapterAt(LIST, 32 * MINUTE), null);
  assert.equal(before(LIST, 20 * MINUTE + 2000), 10 * MINUTE);
  assert.equal(before(LIST, 25 * MINUTE), 20 * MINUTE);
  assert.equal(after(LIST, 25 * MINUTE), 35 * MINUTE);
  assert.equal(after(LIST, 36 * MINUTE), null);
});

test('the slider speaks: how far behind, which talk, who', () => {
  const whole = extent(TOLD, 40 * MINUTE);
  assert.equal(spoken(whole, 28 * MINUTE, LIST, false), '12:00 behind live, Talk b, Xenia');
  assert.equal(behind(1000), 'Live');
});

test('the thumbnail is the last one made', () => {
  assert.equal(thumbnail({ url: '/t/{time}.jpg', every: 10 }, 1_680_000_019_500), '/t/1680000010.jpg');
  assert.equal(thumbnail(null, 0), null);
});

test('each state of the event has its words', () => {
  const slate = { kind: 'slate', talk: null, since: 0, layout: 'slate', slate: { title: 'Coffee', message: 'Back soon', until: 9000 } };
  const talks = [talk('a', ['ana']), talk('b', ['ben'])];
  const soon = show({ phase: 'before', air: slate, talks });
  assert.equal(watching(soon, [], true, 0, 0).now.label, 'Before the start');
  assert.equal(watching(soon, [], true, 0, 0).until, soon.event.start);
  const pause = watching(show({ phase: 'live', air: slate, talks }), [], true, 0, 0);
  assert.deepEqual([pause.mode, pause.now.title, pause.until], ['break', 'Coffee', 9000]);
  const over = show({ phase: 'over', air: slate, talks });
  assert.deepEqual([modeOf(over, true), watching(over, [], true, 0, 0).next], ['over', null]);
  assert.equal(modeOf(over, false), 'replay');
});

test('a recording that is on air again is no live talk', () => {
  const again = talk('again-c0-0-ana', { title: 'Ana: On a', speakers: [] });
  const on = show({ air: { kind: 'talk', talk: again.id, since: 0, layout: 'full', slate: { title: '', message: '', until: null } }, talks: [again] });
  const seen = watching(on, [], true, 0, 0);
  assert.deepEqual([seen.mode, seen.now.label, seen.now.title, seen.headline], ['replay', 'On air again', 'Ana: On a', 'On air again: Ana: On a']);
  assert.equal(modeOf(on, false), 'behind');
});

test('behind live the cards tell what one sees, and what is on meanwhile', () => {
  const on = show({ phase: 'live', air: { kind: 'talk', talk: 'c', since: 0, layout: 'full', slate: { title: '', message: '', until: null } }, talks: [talk('c', ['ana'])] });
  const seen = watching(on, LIST, false, 25 * MINUTE, 40 * MINUTE);
  assert.deepEqual([seen.mode, seen.now.title, seen.next.label], ['behind', 'Talk b', 'On now, live']);
  assert.match(seen.now.label, /15:00 behind live/);
  assert.match(watching(on, LIST, false, 40 * MINUTE - 3000, 40 * MINUTE).now.label, /0:03 behind live/); // just paused
  const over = watching({ ...on, phase: 'over' }, LIST, false, 12 * MINUTE, 40 * MINUTE);
  assert.deepEqual([over.mode, over.next.title], ['replay', 'Talk b']);
});

const NOTHING = { code: null, message: null };
const SEEN = { shown: 'rtc', isClosed: false, isLost: false, canRewind: true };

test('a card stands over the picture only while there is none, by either way', () => {
  assert.equal(cardOver(null, SEEN, NOTHING), null);
  assert.equal(cardOver(null, { ...SEEN, shown: 'hls' }, { code: 'no_media', message: null }), null);
  assert.match(cardOver(null, { ...SEEN, isLost: true }, { code: 'connection_lost', message: null }).title, /lost/);
  assert.equal(cardOver(null, { ...SEEN, shown: 'hls', isLost: true }, { code: 'no_usable_codec', message: null }).code, 'unreachable');
  assert.equal(cardOver({ code: 'pass_expired', message: '' }, { ...SEEN, shown: 'hls' }, NOTHING).code, 'pass_expired');
});

test('before the first picture it tunes in, but not for ever where no server answers', () => {
  const none = { ...SEEN, shown: null };
  assert.match(cardOver(null, none, NOTHING).title, /Tuning in/);
  assert.match(cardOver(null, none, { code: 'no_usable_codec', message: null }).title, /Tuning in/); // LL-HLS may come
  assert.equal(cardOver(null, none, { code: 'unreachable', message: null }).code, 'unreachable');
  assert.equal(cardOver(null, { ...none, canRewind: false }, { code: 'no_usable_codec', message: null }).code, 'no_usable_codec');
});
