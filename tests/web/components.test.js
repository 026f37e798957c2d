/** web/js/components in as much of a browser as they need. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Element, install, pass } from './browser.js';

install();
const { markIdle } = await import('../../web/js/components/idle.js');
const { Meter } = await import('../../web/js/components/meter.js');
const { Timeline } = await import('../../web/js/components/timeline.js');
const { twice } = await import('../../web/js/components/twice.js');

test('a button that is pressed twice acts; one press alone is forgotten', () => {
  const button = new Element();
  let acts = 0;
  const disarm = twice(button, { calm: { text: 'Remove', label: 'Remove it' }, sure: { text: 'Really?', label: 'Really remove it?' } }, () => (acts += 1));
  const forget = [() => pass(4000), () => button.happens('blur'), disarm];
  for (const how of forget) {
    button.happens('click');
    assert.deepEqual([button.textContent, button.getAttribute('aria-label')], ['Really?', 'Really remove it?']);
    how();
    assert.deepEqual([button.textContent, button.getAttribute('aria-label'), button.dataset.sure], ['Remove', 'Remove it', undefined]);
  }
  button.happens('click');
  pass(3900);
  button.happens('click');
  assert.deepEqual([acts, button.textContent], [1, 'Remove']);
});

/** A bar of a hundred seconds on a hundred pixels, and where it has sought to, s. */
function bar() {
  const timeline = new Timeline();
  const sought = [];
  timeline.connectedCallback();
  timeline.addEventListener('seek', ({ detail }) => sought.push(detail / 1000));
  timeline.update({ whole: { from: 0, to: 100_000 }, date: 50_000, chapters: [], over: false, thumbs: null });
  return { timeline, sought };
}
const at = (clientX) => ({ button: 0, clientX, pointerType: 'mouse', pointerId: 1 });

test('a mouse that moves over the bar does not carry off what the keys have aimed at', () => {
  const { timeline, sought } = bar();
  timeline.step(-10_000);
  timeline.happens('pointermove', at(90));
  timeline.happens('pointerleave', at(90));
  pass(300);
  assert.deepEqual(sought, [40]);
});

test('a press right after a key is the pointer\'s alone, until it is let go', () => {
  const { timeline, sought } = bar();
  timeline.step(-10_000);
  timeline.happens('pointerdown', at(70));
  pass(300);
  assert.deepEqual(sought, []);
  timeline.happens('pointermove', at(80));
  timeline.happens('pointerup', at(80));
  pass(300);
  assert.deepEqual(sought, [80]);
  timeline.happens('pointermove', at(20));
  timeline.happens('pointerup', at(20));
  assert.deepEqual(sought, [80]);
});

test('a drag that is taken away seeks nowhere', () => {
  const { timeline, sought } = bar();
  timeline.happens('pointerdown', at(70));
  timeline.happens('pointercancel', at(70));
  timeline.happens('pointerup', at(70));
  assert.deepEqual(sought, []);
});

test('who does nothing for three seconds is idle, until they move, press or type', () => {
  const stage = new Element();
  const happens = (type, how) => dispatchEvent(Object.assign(new Event(type), how));
  markIdle(stage);
  const idle = () => 'idle' in stage.dataset;
  pass(2900);
  assert.equal(idle(), false);
  pass(100);
  assert.equal(idle(), true);
  for (const sign of ['keydown', 'pointerdown', 'touchstart']) {
    happens(sign);
    assert.equal(idle(), false, sign);
    pass(3000);
    assert.equal(idle(), true);
  }
  happens('pointermove', { screenX: 1, screenY: 1 });
  assert.equal(idle(), false);
  pass(3000);
  happens('pointermove', { screenX: 1, screenY: 1 }); // nobody has moved
  assert.equal(idle(), true);
});

/** A microphone whose samples are all `value`, in an audio context that is in this `state`. @returns {number | null} the check-in's peak */
function peakOf(value, state = 'running') {
  const node = { connect() {}, disconnect() {} };
  const context = { state, resume: async () => undefined, createMediaStreamSource: () => node };
  const analyser = { getFloatTimeDomainData: (samples) => void samples.fill(value) };
  Object.assign(globalThis, { AudioContext: function () { return context; }, AnalyserNode: function () { return analyser; } });
  const meter = new Meter();
  meter.listen({ getAudioTracks: () => [{}] });
  pass(1000);
  return meter.takePeak();
}

test('the meter tells digital silence from a quiet room, and both from what it cannot measure', () => {
  assert.equal(peakOf(0), -100);
  assert.equal(Math.round(peakOf(0.0005)), -66);
  assert.equal(Math.round(peakOf(0.1)), -20);
  assert.equal(peakOf(0, 'suspended'), null);
});
