/** web/js/deck.js in a browser that plays HLS by itself: where it begins, and where it is when it fails. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { install, until, Video } from './browser.js';

const BEGIN = 1_680_000_000_000; // the date of media time 0
install(BEGIN);
const { Deck } = await import('../../web/js/deck.js');

/** A deck that plays from so many seconds after the beginning, and what it told. @param {number | null} seconds */
async function playing(seconds) {
  const video = new Video();
  const told = [];
  const deck = new Deck({ video, pass: null, onPicture: () => told.push('picture'), onFailed: (why, at) => told.push([why, at]), onMissing: () => told.push('missing') });
  void deck.start(seconds === null ? null : BEGIN + seconds * 1000, null);
  await until(() => video.src);
  shows(video);
  return { deck, video, told };
}

/** The browser has loaded enough to show a picture. @param {Video} video */
function shows(video) {
  video.readyState = 1;
  video.happens('loadedmetadata');
  video.readyState = 4;
  video.happens('seeked');
}

test('what fails tells where it was, and stays there: not where one had jumped to', async () => {
  const { deck, video, told } = await playing(600);
  assert.equal(video.currentTime, 600);
  video.currentTime = 1500;
  assert.equal(deck.date, BEGIN + 1_500_000);
  video.happens('error');
  assert.equal(told.at(-1)[1], BEGIN + 1_500_000);
  assert.deepEqual([deck.running, video.currentTime, deck.date], [false, 0, BEGIN + 1_500_000]);
});

test('live has no place to come back to', async () => {
  const { deck, video } = await playing(null);
  video.currentTime = 1500;
  video.happens('error');
  assert.equal(deck.date, null);
});
