/** web/js/seat.js and devices.js: the device that was chosen is the one that is used, whatever else is there. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Seat } from '../../web/js/seat.js';

/** What is plugged in, by kind, and what another program has. */
let plugged;
let taken;

class Track extends EventTarget {
  enabled = true;
  readyState = 'live';
  constructor(kind, id) {
    super();
    this.kind = kind;
    this.id = id;
  }
  getSettings() {
    return { deviceId: this.id };
  }
  stop() {
    this.readyState = 'ended';
  }
  /** Somebody pulls the plug. */
  pulled() {
    plugged[this.kind] = plugged[this.kind].filter((id) => id !== this.id);
    this.stop();
    this.dispatchEvent(new Event('ended'));
  }
}

class Stream {
  constructor(tracks) {
    this.tracks = tracks;
  }
  getTracks() {
    return [...this.tracks];
  }
  getVideoTracks() {
    return this.tracks.filter(({ kind }) => kind === 'video');
  }
  addTrack(track) {
    this.tracks.push(track);
  }
  removeTrack(track) {
    this.tracks = this.tracks.filter((each) => each !== track);
  }
}

/** As Chromium does: what is only wished for (`ideal`) is passed over. */
function trackFor(kind, constraints) {
  const wanted = constraints.deviceId?.exact;
  if (plugged[kind].length === 0) throw new DOMException('none', 'NotFoundError');
  if (wanted && !plugged[kind].includes(wanted)) throw Object.assign(new Error(), { name: 'OverconstrainedError' });
  const id = wanted ?? plugged[kind][0];
  if (taken.includes(id)) throw new DOMException('in use', 'NotReadableError');
  return new Track(kind, id);
}

Object.defineProperty(globalThis, 'navigator', {
  value: { mediaDevices: { getUserMedia: async (wish) => new Stream(['audio', 'video'].filter((kind) => wish[kind]).map((kind) => trackFor(kind, wish[kind]))) } },
});

beforeEach(() => {
  plugged = { audio: ['mic-1', 'mic-2'], video: ['cam-1', 'cam-2'] };
  taken = [];
});

const seatWith = (over = {}, off = []) => new Seat({ pass: null, choice: { camera: '', microphone: '', speaker: '', headphones: false, ...over }, off, onChange() {} });
const used = (seat) => Object.fromEntries(seat.stream.getTracks().filter(({ readyState }) => readyState === 'live').map(({ kind, id }) => [kind, id]));

test('the remembered devices are opened, and one chosen later takes its place', async () => {
  const seat = seatWith({ camera: 'cam-2', microphone: 'mic-2' });
  await seat.open();
  assert.deepEqual(used(seat), { audio: 'mic-2', video: 'cam-2' });
  seat.options.choice.microphone = 'mic-1';
  await seat.change('audio');
  assert.deepEqual(used(seat), { audio: 'mic-1', video: 'cam-2' });
});

test('in the place of a remembered device that is gone comes another, and the other choice holds', async () => {
  const seat = seatWith({ camera: 'cam-9', microphone: 'mic-2' });
  assert.equal(await seat.open(), true);
  assert.deepEqual(used(seat), { audio: 'mic-2', video: 'cam-1' });
  plugged.video = [];
  const voice = seatWith({ camera: 'cam-9', microphone: 'mic-2' });
  await voice.open();
  assert.deepEqual(used(voice), { audio: 'mic-2' });
});

test('a camera that another program has is said to be so, and is had by its button when it is free', async () => {
  taken = ['cam-1'];
  const seat = seatWith();
  await seat.open();
  assert.match(seat.trouble.video, /in use by another program/);
  seat.toggle('video');
  await new Promise(setImmediate);
  assert.match(seat.trouble.video, /in use by another program/);
  taken = [];
  seat.toggle('video');
  await new Promise(setImmediate);
  assert.deepEqual([used(seat).video, seat.on('video'), seat.trouble], ['cam-1', true, {}]);
});

test('a camera that comes later is turned on, and nothing is complained of any more', async () => {
  plugged.video = [];
  const seat = seatWith();
  await seat.open();
  assert.match(seat.trouble.video, /No camera was found/);
  plugged.video = ['cam-3'];
  await seat.revive();
  assert.deepEqual([used(seat).video, seat.trouble], ['cam-3', {}]);
});

test('who chooses a camera that another program has goes on with the one before', async () => {
  const seat = seatWith();
  await seat.open();
  taken = ['cam-2'];
  seat.options.choice.camera = 'cam-2';
  await seat.change('video');
  assert.equal(used(seat).video, 'cam-1');
  assert.match(seat.trouble.video, /the one before goes on/);
});

test('what was switched off stays so: after a reload, and for the microphone that comes in its place', async () => {
  const seat = seatWith({}, ['audio']);
  await seat.open();
  assert.equal(seat.on('audio'), false);
  assert.match(seat.trouble['audio-off'], /nobody hears you/);
  seat.stream.getTracks().find(({ kind }) => kind === 'audio').pulled();
  await new Promise(setImmediate);
  assert.deepEqual([used(seat).audio, seat.on('audio')], ['mic-2', false]);
  seat.toggle('audio');
  assert.deepEqual([seat.on('audio'), seat.trouble['audio-off'], [...seat.off]], [true, undefined, []]);
});
