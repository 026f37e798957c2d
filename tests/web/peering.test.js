/** web/js/peering.js and media.js for days: connections that end are closed, timers cleared, listeners taken away. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { stereo } from '../../web/js/offer.js';

/** Browser parts that count what is left of them. The thing under test is the page's own code. */
const left = { peers: new Set(), timers: new Map(), listeners: 0, deleted: 0 };
let refuse = false;
let count = 0;

class Transport extends EventTarget {
  state = 'connected';
}

class Peer {
  connectionState = 'new';
  localDescription = null;
  #transceivers = [];
  constructor() {
    left.peers.add(this);
  }
  addTransceiver() {
    this.#transceivers.push({ sender: { transport: new Transport() } });
  }
  getTransceivers() {
    return this.#transceivers;
  }
  async createOffer() {
    return { type: 'offer', sdp: 'v=0' };
  }
  async setLocalDescription(description) {
    this.localDescription = description;
  }
  async setRemoteDescription() {
    this.connectionState = 'connected';
    this.onconnectionstatechange?.();
    const track = new EventTarget();
    track.kind = 'video';
    this.ontrack?.({ track, streams: [{ addTrack() {} }] });
    track.dispatchEvent(new Event('unmute'));
  }
  close() {
    left.peers.delete(this);
  }
}

console.info = () => undefined; // a thousand lines of "connecting again" say nothing here

const timer = (repeat) => (run) => {
  left.timers.set(++count, { run, repeat });
  return count;
};
const clear = (id) => void left.timers.delete(id);

Object.assign(globalThis, {
  window: globalThis,
  RTCPeerConnection: Peer,
  MediaStream: class {},
  addEventListener: () => void (left.listeners += 1),
  removeEventListener: () => void (left.listeners -= 1),
  setTimeout: timer(false),
  setInterval: timer(true),
  clearTimeout: clear,
  clearInterval: clear,
  fetch: async (_path, { method }) => {
    if (method === 'DELETE') left.deleted += 1;
    if (refuse) throw new TypeError('unreachable');
    return { status: 201, url: 'http://x/', headers: new Map([['Location', '/session/1']]), text: async () => 'v=0' };
  },
});
AbortSignal.timeout = () => new AbortController().signal;

const { Watcher } = await import('../../web/js/media.js');

/** Lets every promise that can go on do so. */
const settle = async () => {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
};

/** Runs the timers that wait, once each. */
async function ring() {
  for (const [id, { run, repeat }] of [...left.timers]) {
    if (repeat) continue;
    left.timers.delete(id);
    run();
  }
  await settle();
}

beforeEach(() => {
  left.peers.clear();
  left.timers.clear();
  left.listeners = 0;
  refuse = false;
});

test('a thousand new connections leave one connection open and its watchdogs', async () => {
  const watcher = new Watcher({ path: '/whep', pass: null, onStream() {} });
  watcher.start();
  await settle();
  for (let round = 0; round < 1000; round += 1) {
    watcher.restart('a test');
    await settle();
  }
  assert.equal(watcher.starts, 1001);
  assert.equal(left.peers.size, 1);
  assert.equal(left.timers.size, 2); // one looks at the figures, one listens
  watcher.stop();
  assert.deepEqual([left.peers.size, left.timers.size, left.listeners], [0, 0, 0]);
});

test('a server that is away for long costs one waiting timer, and the last picture is kept', async () => {
  const watcher = new Watcher({ path: '/whep', pass: null, onStream() {} });
  watcher.start();
  await settle();
  refuse = true;
  watcher.restart('a test');
  await settle();
  for (let round = 0; round < 500; round += 1) await ring();
  assert.equal(watcher.status.state, 'waiting');
  assert.equal(left.peers.size, 1); // whose picture is on the screen
  assert.equal(left.timers.size, 3); // the watchdogs, and the next attempt
  refuse = false;
  await ring();
  assert.equal(watcher.status.state, 'connected');
  assert.equal(left.peers.size, 1);
  watcher.stop();
  assert.equal(left.peers.size + left.timers.size, 0);
});

test('a transport that the server closed is seen at once, though the connection calls itself connected', async () => {
  const watcher = new Watcher({ path: '/whep', pass: null, onStream() {} });
  watcher.start();
  await settle();
  const [peer] = left.peers;
  const { transport } = peer.getTransceivers()[0].sender;
  transport.state = 'closed';
  transport.dispatchEvent(new Event('statechange'));
  assert.equal(watcher.status.state, 'waiting');
  assert.equal(watcher.status.code, 'connection_lost');
  await ring();
  assert.equal(watcher.status.state, 'connected');
  watcher.stop();
});

test('with a new server process only those connections begin anew that are older than it', async () => {
  const watcher = new Watcher({ path: '/whep', pass: null, onStream() {} });
  watcher.start();
  await settle();
  watcher.renew(60_000); // joined within the minute that this process is old
  await settle();
  assert.equal(watcher.starts, 1);
  watcher.renew(-1);
  await settle();
  assert.equal(watcher.starts, 2);
  watcher.stop();
});

for (const when of ['connecting', 'connected', 'waiting']) {
  test(`who is told "${when}" may stop it there and then, and begin it again later`, async () => {
    let stopping = true;
    const watcher = new Watcher({
      path: '/whep',
      pass: null,
      onStream() {},
      onStatus: ({ state }) => stopping && state === when && watcher.stop(),
    });
    refuse = when === 'waiting';
    watcher.start();
    await settle();
    await ring();
    assert.deepEqual([watcher.status.state, watcher.starts], ['idle', when === 'connecting' ? 0 : 1]);
    assert.deepEqual([left.peers.size, left.timers.size, left.listeners], [0, 0, 0]);
    stopping = refuse = false;
    watcher.start();
    await settle();
    assert.equal(watcher.status.state, 'connected');
    watcher.stop();
  });
}

test('who is told "waiting" may begin it anew at once, without a second attempt later', async () => {
  const watcher = new Watcher({
    path: '/whep',
    pass: null,
    onStream() {},
    onStatus: ({ state }) => {
      if (state !== 'waiting') return;
      refuse = false;
      watcher.restart('a test');
    },
  });
  refuse = true;
  watcher.start();
  await settle();
  assert.equal(watcher.status.state, 'connected');
  await ring();
  assert.deepEqual([watcher.starts, left.peers.size, left.timers.size], [2, 1, 2]);
  watcher.stop();
});

test('a page that comes back out of the cache of its browser connects again', async () => {
  const hear = globalThis.addEventListener;
  const heard = {};
  globalThis.addEventListener = (type, listener) => {
    heard[type] = listener;
    hear();
  };
  const watcher = new Watcher({ path: '/whep', pass: null, onStream() {} });
  watcher.start();
  globalThis.addEventListener = hear;
  await settle();
  heard.pagehide();
  assert.equal(left.peers.size, 0);
  heard.pageshow({ persisted: true });
  await settle();
  assert.deepEqual([watcher.status.state, left.peers.size], ['connected', 1]);
  watcher.stop();
});

test('the offer asks for two channels of Opus, once', () => {
  const offer = ['a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1', 'a=fmtp:96 apt=97', ''].join('\r\n');
  const asked = stereo(offer);
  assert.match(asked, /a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n/);
  assert.equal(stereo(asked), asked);
  assert.equal(stereo('v=0'), 'v=0');
});
