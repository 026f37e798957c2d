/** A speaker's clock, cues and check-in: web/js/cues.js and checkin.js. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findings, SAMPLES, verdict } from '../../web/js/checkin.js';
import { clockOf, openCues, spoken, turnWords } from '../../web/js/cues.js';
import { MINUTE } from '../../web/js/rundown.js';
import { NOW, onAir, show } from './show.js';

const you = (over) => ({ you: { id: 'ben', role: 'speaker', state: 'ready', talk: 'ben', next_at: null, messages: [], talkback: [], ...over } });

test('on air the clock counts what is left, then what is over', () => {
  const event = onAir('ana', { air: { ...show().air, ends: NOW + 20 * MINUTE } });
  assert.deepEqual(clockOf(event, NOW + 5 * MINUTE, 'air'), { label: 'left', ms: 15 * MINUTE, mood: 'fine', done: 0.25 });
  assert.equal(clockOf(event, NOW + 19 * MINUTE, 'air').mood, 'nearly');
  assert.deepEqual(clockOf(event, NOW + 21 * MINUTE, 'air'), { label: 'over time', ms: MINUTE, mood: 'over', done: 1 });
});

test('before their turn a speaker sees how long it still is, and never a negative time', () => {
  const event = { ...onAir('ana'), ...you({ next_at: NOW + 4 * MINUTE }) };
  assert.equal(clockOf(event, NOW, 'off').ms, 4 * MINUTE);
  assert.equal(clockOf(event, NOW, 'off').mood, 'nearly');
  assert.equal(clockOf(event, NOW + 9 * MINUTE, 'standby').ms, 0);
  assert.equal(clockOf({ ...event, ...you({ next_at: NOW + 3 * 60 * MINUTE }) }, NOW, 'off'), null);
  assert.equal(clockOf({ ...event, ...you({}) }, NOW, 'off'), null);
});

test('each moment is said once, as the clock passes it', () => {
  const at = (label, ms) => ({ label, ms, mood: 'fine', done: 0 });
  assert.equal(spoken(at('until your turn', 5 * MINUTE + 1), at('until your turn', 5 * MINUTE)), 'Next is you in 5 minutes');
  assert.equal(spoken(at('until your turn', 5 * MINUTE), at('until your turn', 5 * MINUTE - 250)), null);
  assert.equal(spoken(at('left', MINUTE + 9), at('left', MINUTE)), '1 minute left');
  assert.equal(spoken(at('left', 10), at('over time', 240)), 'Your time is over');
  assert.equal(spoken(at('over time', 10), at('over time', 240)), null);
  assert.equal(spoken(null, at('left', MINUTE)), null);
});

test('who is before a speaker is said in a sentence', () => {
  const event = onAir('ana', { standby: 'ben' });
  assert.match(turnWords(event, 'ben'), /You are next/);
  assert.match(turnWords(event, 'cleo'), /2 talks are before you/);
  assert.equal(turnWords(event, 'ana'), '');
  assert.equal(turnWords(event, null), '');
});

test('cues wait until they are acknowledged, the newest on top', () => {
  const cue = (id, acked) => ({ id, by: 'Mei', text: id, at: NOW, acked });
  const event = { ...show(), ...you({ messages: [cue('a', null), cue('b', NOW), cue('c', null)] }) };
  assert.deepEqual(openCues(event).map((c) => c.id), ['c', 'a']);
  assert.deepEqual(openCues(show()), []);
});

const fine = { bitrate: 2_400_000, loss: 0, rtt: 40, width: 1280, height: 720, fps: 30, limited: 'none', room: 5_000_000, bright: 120, level: -20, back: 30 };
const check = (over, times = SAMPLES) => findings(Array.from({ length: times }, () => ({ ...fine, ...over })));
const tone = (all, what) => all.find((finding) => finding.what === what).tone;

test('a good line, picture and voice need nothing', () => {
  const all = check({});
  assert.equal(verdict(all), 'good');
  assert.ok(all.every((finding) => finding.fix === ''));
});

test('what is wrong is named, with what to do about it', () => {
  for (const [over, what, expected] of [
    [{ bitrate: 150_000, limited: 'bandwidth', room: null }, 'line', 'bad'],
    [{ bitrate: 300_000, room: 350_000 }, 'line', 'bad'],
    [{ bitrate: 600_000, room: 650_000 }, 'line', 'warn'],
    [{ bitrate: 900_000, limited: 'bandwidth' }, 'line', 'warn'],
    [{ loss: 0.08 }, 'loss', 'bad'],
    [{ rtt: 700 }, 'loss', 'warn'],
    [{ height: 0, width: 0 }, 'picture', 'bad'],
    [{ limited: 'cpu' }, 'picture', 'warn'],
    [{ fps: 8 }, 'picture', 'bad'],
    [{ height: 360 }, 'picture', 'warn'],
    [{ height: 360, limited: 'bandwidth' }, 'picture', 'warn'],
    [{ bright: 3 }, 'light', 'bad'],
    [{ bright: 40 }, 'light', 'warn'],
    [{ level: null }, 'voice', 'bad'],
    [{ level: -100 }, 'voice', 'bad'],
    [{ level: -52 }, 'voice', 'warn'],
    [{ level: 0 }, 'voice', 'warn'],
    [{ back: 0 }, 'return', 'warn'],
  ]) {
    const all = check(over);
    assert.equal(tone(all, what), expected, what);
    assert.notEqual(all.find((finding) => finding.what === what).fix, '');
    assert.equal(verdict(all), expected);
  }
});

test('a still picture and none at all say nothing of the line', () => {
  for (const room of [5_000_000, null]) assert.equal(tone(check({ bitrate: 90_000, room }), 'line'), 'good');
  assert.match(check({ bitrate: 90_000 }).find(({ what }) => what === 'line').found, /5\.0 Mbit/);
  const voice = check({ bitrate: 40_000, height: 0, width: 0, room: 300_000 });
  assert.equal(voice.some(({ what }) => what === 'line'), false);
});

test('the first seconds, while a line finds its speed, do not count', () => {
  const slow = { ...fine, bitrate: 100_000, limited: 'bandwidth', room: 150_000 };
  assert.equal(tone(findings([slow, slow, slow, fine, fine, fine]), 'line'), 'good');
  assert.deepEqual(findings([]), []);
});

test('one loud word is enough for the voice', () => {
  const quiet = { ...fine, level: -65 };
  assert.equal(tone(findings([fine, quiet, quiet, quiet, quiet]), 'voice'), 'good');
});
