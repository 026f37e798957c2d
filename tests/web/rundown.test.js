/** What is on, what is next, when is my turn, may I take: web/js/rundown.js. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { before, comesAt, doubts, endsAt, feedsOf, MINUTE, onNow, TAKE_PATIENCE, TAKE_PAUSE, takeVerdict, talkOf, tallyOf, toCue, upNext } from '../../web/js/rundown.js';
import { initial } from '../../web/js/state.js';
import { NOW, onAir, person, show, talk } from './show.js';

const live = (event) => ({ ...initial(), link: 'open', show: event });

test('nothing is on while the slate is on air', () => {
  assert.equal(onNow(show()), null);
  assert.equal(onNow(onAir('ana')).id, 'ana');
});

test('a talk comes when it is planned, or when it is expected by then', () => {
  const at = (start, expected) => comesAt({ ...talk('a', ['ana']), start, expected });
  assert.equal(at(NOW, NOW + MINUTE - 1), NOW, 'what differs by seconds is no other time than the agenda tells');
  assert.equal(at(NOW, NOW + MINUTE), NOW + MINUTE);
  assert.equal(at(NOW, NOW - 5 * MINUTE), NOW - 5 * MINUTE);
  assert.equal(at(NOW, null), NOW);
  assert.equal(at(null, NOW), NOW);
  assert.equal(at(null, undefined), null);
});

test('next is the talk on standby, or else the first that is planned', () => {
  assert.equal(upNext(onAir('ana')).id, 'ben');
  assert.equal(upNext(onAir('ana', { standby: 'cleo' })).id, 'cleo');
});

test('next is what is expected first, as the forecast has it, and not a talk left over from before', () => {
  const event = onAir('ben');
  event.talks[0].expected = NOW + 60 * MINUTE;
  event.talks[2].expected = NOW + 20 * MINUTE;
  assert.equal(upNext(event).id, 'cleo');
  event.talks[2].state = 'done';
  assert.equal(upNext(event).id, 'ana');
});

test('a talk that the slate interrupts is next, and cannot be cued', () => {
  const event = show();
  event.air.held = 'ana';
  assert.equal(upNext(event).id, 'ana');
  assert.equal(toCue(event).id, 'ben');
  assert.equal(toCue(show({ talks: [] })), null);
});

test('the tally is red on air, amber on standby and off otherwise', () => {
  const event = onAir('ana', { standby: 'ben' });
  assert.deepEqual(['ana', 'ben', 'cleo'].map((id) => tallyOf(event, id)), ['air', 'standby', 'off']);
  assert.equal(tallyOf(null, 'ana'), 'off');
});

test('viewers, who are not told how people are, get the tally from the rundown', () => {
  const event = onAir('ana', { standby: 'ben' });
  for (const someone of event.people) delete someone.state;
  assert.deepEqual(['ana', 'ben', 'cleo'].map((id) => tallyOf(event, id)), ['air', 'standby', 'off']);
});

test('a talk ends its planned minutes after it began', () => {
  assert.equal(endsAt(talk('ana', { started: NOW })), NOW + 20 * MINUTE);
  assert.equal(endsAt(talk('ana')), null);
});

test('before me are the talks that are not over', () => {
  const event = onAir('ben');
  event.talks[0] = talk('ana', { state: 'done' });
  assert.deepEqual(before(event, 'cleo').map((t) => t.id), ['ben']);
});

test('my talk is the one on air, then the next that is not over', () => {
  const event = show({ talks: [talk('one', { speakers: ['ana'], state: 'done' }), talk('two', { speakers: ['ana'] })] });
  assert.equal(talkOf(event, 'ana').id, 'two');
  assert.equal(talkOf(event, 'nobody'), null);
});

test('a talk with slides previews the slides before the face', () => {
  const event = show({ people: [person('ana', { feeds: ['ana', 'ana.slides'] })], talks: [talk('ana', { layout: 'pip' })] });
  assert.deepEqual(feedsOf(event, event.talks[0]), ['ana.slides', 'ana']);
  assert.deepEqual(feedsOf(event, event.talks[0], 'full'), ['ana']);
});

test('take says why it may not be pressed', () => {
  const ready = live(show({ standby: 'ana' }));
  assert.equal(takeVerdict(ready, NOW, -Infinity).ok, true);
  assert.match(takeVerdict(live(show()), NOW, -Infinity).reason, /standby/);
  assert.match(takeVerdict({ ...ready, link: 'away' }, NOW, -Infinity).reason, /Not connected/);
  assert.match(takeVerdict(live(show({ standby: 'ana', hand_off: { target: 'ana', phase: 'prepare', by: 'x' } })), NOW, -Infinity).reason, /running/);
});

test('a take that waits for its answer holds up the next until the state shows it, or for three seconds', () => {
  const waiting = { a: { command: { id: 'a', type: 'take', talk: 'ana' }, at: 0 } };
  const asked = { ...live(show({ standby: 'ana' })), pending: waiting };
  const taken = { ...live(onAir('ana', { standby: 'ben' })), pending: waiting };
  const soon = NOW - TAKE_PATIENCE + 1;
  assert.match(takeVerdict(asked, NOW, soon).reason, /Waiting/);
  assert.equal(takeVerdict(taken, NOW, soon).ok, true);
  assert.equal(takeVerdict(asked, NOW, NOW - TAKE_PATIENCE).ok, true);
});

test('a second take within the pause is a slip', () => {
  const ready = live(show({ standby: 'ana' }));
  assert.equal(takeVerdict(ready, NOW, NOW - TAKE_PAUSE + 1).ok, false);
  assert.equal(takeVerdict(ready, NOW, NOW - TAKE_PAUSE).ok, true);
});

test('doubts about a talk name the person and what is missing', () => {
  const event = show({
    people: [person('ana', { connected: false }), person('ben', { feeds: [] }), person('cleo', { state: 'standby', ready: false })],
    talks: [talk('all', { speakers: ['ana', 'ben', 'cleo'] })],
  });
  assert.deepEqual(doubts(event, event.talks[0]), ['ANA is not connected', 'BEN has no camera picture', 'CLEO is not ready yet']);
});
