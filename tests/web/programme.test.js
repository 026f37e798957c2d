/** web/js/programme.js with both ways to the programme: where one is, how fast, how large, how loud. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { install, pass, Screen, until } from './browser.js';

const BEGIN = 1_680_000_000_000; // the date of media time 0
const HOUR = 3_600_000;
const NOW = BEGIN + HOUR;

const document = install(BEGIN);
const { Programme } = await import('../../web/js/programme.js');

const begun = [];
afterEach(() => begun.splice(0).forEach((programme) => programme.stop()));

/** A viewer's programme where WebRTC gets nowhere, an hour into the event. */
function viewer() {
  const programme = new Programme({ live: new Screen(), replay: new Screen(), pass: null, now: () => NOW });
  programme.watcher.start = () => undefined;
  programme.start();
  begun.push(programme);
  return programme;
}

/** LL-HLS has opened its media, and has a picture. */
async function shown({ replay: { video } }) {
  await until(() => video.src);
  video.readyState = 1;
  video.happens('loadedmetadata');
  video.readyState = 4;
  video.happens('seeked');
}

/** A viewer who watches from so many seconds after the beginning. @param {number} seconds */
async function behind(seconds) {
  const programme = viewer();
  programme.seek(BEGIN + seconds * 1000);
  await shown(programme);
  assert.equal(programme.shown, 'hls');
  return programme;
}

test('after a failure the recording goes on where it was, not where one had jumped to', async () => {
  const programme = await behind(600);
  const { video } = programme.replay;
  video.currentTime = 1500;
  delete video.src;
  video.happens('error');
  assert.equal(programme.date, BEGIN + 1_500_000);
  pass(2000);
  await shown(programme);
  assert.equal(video.currentTime, 1500);
  assert.equal(programme.date, BEGIN + 1_500_000);
});

test('a picture is lost after three seconds without one, which begin anew with a pause, a jump, a hidden page', async () => {
  const programme = await behind(600);
  pass(3500);
  assert.equal(programme.isLost, true);
  programme.pause(true);
  pass(60_000);
  programme.pause(false);
  assert.equal(programme.isLost, false);
  pass(3500);
  programme.seek(BEGIN + 900_000);
  assert.equal(programme.isLost, false);
  document.visibilityState = 'hidden';
  pass(60_000);
  document.visibilityState = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  assert.equal(programme.isLost, false);
  pass(3500);
  assert.equal(programme.isLost, true);
});

test('who was live in between has the usual speed again', async () => {
  const programme = await behind(600);
  const { video } = programme.replay;
  programme.speed(2);
  assert.equal(video.playbackRate, 2);
  programme.goLive();
  pass(1000);
  programme.pause(true);
  programme.pause(false);
  await shown(programme);
  assert.deepEqual([programme.rate, video.playbackRate], [1, 1]);
});

test('sound on is heard, also after the volume was turned down to nothing', async () => {
  const programme = await behind(600);
  const heard = () => [programme.live, programme.replay].map(({ video }) => [video.muted, video.volume]);
  programme.volume(0);
  assert.deepEqual(heard(), [[true, 0], [true, 0]]);
  programme.sound(true);
  assert.deepEqual(heard(), [[false, 1], [false, 1]]);
  programme.volume(0.4);
  programme.sound(false);
  programme.sound(true);
  assert.deepEqual(heard(), [[false, 0.4], [false, 0.4]]);
});
