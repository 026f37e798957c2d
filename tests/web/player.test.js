/** web/js/components/player.js: when a picture was seen last, by what the browser tells. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, install, pass, Video } from './browser.js';

install();
const { Player } = await import('../../web/js/components/player.js');

/** A player that is asked for a stream. @param {boolean} frames whether its browser tells of each frame */
function player(frames) {
  let tell = null;
  if (frames) Video.prototype.requestVideoFrameCallback = (callback) => (tell = callback);
  else delete Video.prototype.requestVideoFrameCallback;
  const made = new Player();
  made.connectedCallback();
  const stream = Object.assign(new MediaStream(), { active: true });
  made.attach(stream);
  return { made, stream, frame: () => tell(clock.now) };
}

test('each picture counts, and a pause between two is a freeze', () => {
  const { made, stream, frame } = player(true);
  for (const wait of [100, 40, 400, 40]) {
    pass(wait);
    frame();
  }
  assert.equal(made.lastPicture, clock.now);
  const { presented, longest_gap_ms, gaps, first_picture_ms } = made.stats();
  assert.deepEqual([presented, longest_gap_ms, gaps, first_picture_ms], [4, 400, 1, 100]);
  stream.active = false; // black
  pass(40);
  frame();
  assert.equal(made.lastPicture, clock.now - 40);
});

test('a browser that does not tell of frames tells of pictures by the time of its video', () => {
  const { made, stream } = player(false);
  assert.equal(made.lastPicture, 0);
  pass(250);
  made.video.happens('timeupdate');
  assert.equal(made.lastPicture, clock.now);
  assert.deepEqual([made.stats().presented, made.stats().gaps, made.stats().first_picture_ms], [1, 0, 250]);
  stream.active = false;
  pass(250);
  made.video.happens('timeupdate');
  assert.equal(made.lastPicture, clock.now - 250);
});
