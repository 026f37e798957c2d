/** What travels over a `Peering`: `Watcher` receives by WHEP, `Publisher` sends by WHIP. */

import { summarisePublish, summariseWatch } from './stats.js';
import { Peering } from './peering.js';

/** @typedef {import('./peering.js').PeeringOptions} PeeringOptions */

const LINE_KNOWN_AFTER = 1500; // ms from the answer: by then the browser has measured the line

/** Receives the programme or a feed by WHEP and hands out a stream each time one begins. */
export class Watcher extends Peering {
  #frames = 0;
  #moved = 0;
  #shown = /** @type {RTCPeerConnection | null} */ (null);
  #newest = 0;
  #heard = 0;

  /**
   * @param {PeeringOptions & {onStream: (stream: MediaStream) => void, audio?: boolean, freezeAfter?: number, bare?: boolean}} options
   *   `freezeAfter`: ms without a decoded picture after which to join anew; `bare`: there may be no picture, because a
   *   clip rests or a speaker has a microphone alone
   */
  constructor(options) {
    super(options);
    this.watch = options;
  }

  /** @param {RTCPeerConnection} pc @override */
  prepare(pc) {
    this.#frames = 0;
    this.#moved = this.#heard = performance.now();
    pc.addTransceiver('video', { direction: 'recvonly' });
    if (this.watch.audio !== false) pc.addTransceiver('audio', { direction: 'recvonly' });
    const stream = new MediaStream();
    pc.ontrack = ({ track, streams }) => {
      const target = streams[0] ?? stream;
      if (target === stream) stream.addTrack(track);
      if (track.kind === 'video' || this.watch.bare) track.addEventListener('unmute', () => this.#begin(pc, target), { once: true });
    };
  }

  /** @param {RTCPeerConnection} pc @param {MediaStream} stream that now has something to show */
  #begin(pc, stream) {
    if (pc !== this.pc) return;
    const old = this.#shown;
    this.#shown = pc;
    this.watch.onStream(stream);
    if (old !== pc) old?.close();
  }

  /** The last picture stays until the next connection has one: closing would turn it black. @param {RTCPeerConnection} pc @override */
  retire(pc) {
    if (pc !== this.#shown) pc.close();
  }

  /** @override */
  release() {
    this.#shown?.close();
    this.#shown = null;
  }

  /** @param {any[]} entries @param {import('./stats.js').Mark | null} before @override */
  summarise(entries, before) {
    const result = summariseWatch(entries, before, performance.now());
    if (result.mark.frames !== this.#frames) this.#moved = performance.now();
    this.#frames = result.mark.frames;
    return result;
  }

  /** How loud the sound is that arrives, dBFS; null where the browser does not say. @returns {number | null} */
  loudness() {
    const receiver = this.pc?.getReceivers().find(({ track }) => track.kind === 'audio');
    const level = receiver?.getSynchronizationSources()[0]?.audioLevel;
    if (level !== undefined) return level > 0 ? 20 * Math.log10(level) : -100;
    return typeof this.summary.level === 'number' ? this.summary.level : null;
  }

  /** By the packets that were played and shown last. @override */
  quiet() {
    const receivers = this.pc?.getReceivers() ?? [];
    const times = receivers.flatMap((each) => each.getSynchronizationSources().map(({ timestamp }) => timestamp));
    const newest = Math.max(0, ...times);
    if (newest !== this.#newest || !times.length) this.#heard = performance.now();
    this.#newest = newest;
    return performance.now() - this.#heard;
  }

  /** @param {number} connected @override */
  stuck(connected) {
    if (this.watch.bare && this.#frames === 0) return false;
    const limit = this.watch.freezeAfter ?? 4000;
    return connected > limit && performance.now() - this.#moved > limit;
  }
}

/** Sends one camera or shared screen by WHIP. The tracks survive a new connection. */
export class Publisher extends Peering {
  /**
   * @param {PeeringOptions & {stream: MediaStream, maxBitrate: number, keep: 'maintain-framerate' | 'maintain-resolution' | 'balanced'}} options
   *   `maxBitrate`: bits a second; `keep`: what to give up last when the line is thin
   */
  constructor(options) {
    super(options);
    this.publish = options;
  }

  /** @param {RTCPeerConnection} pc @override */
  prepare(pc) {
    const { stream, maxBitrate } = this.publish;
    for (const track of stream.getTracks()) {
      const video = track.kind === 'video';
      const transceiver = pc.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(video ? { sendEncodings: [{ maxBitrate, maxFramerate: 30 }] } : {}),
      });
      if (video) {
        preferH264(transceiver);
        // Until the line is known a browser believes it to be thin, and would begin with a small picture.
        void wish(transceiver.sender, 'maintain-resolution');
      }
    }
  }

  /** @param {RTCPeerConnection} pc @override */
  async settled(pc) {
    setTimeout(() => {
      if (this.pc !== pc) return;
      for (const sender of pc.getSenders()) if (sender.track?.kind === 'video') void wish(sender, this.publish.keep);
    }, LINE_KNOWN_AFTER);
  }

  /** Another camera or microphone, without a new connection. @param {MediaStreamTrack} track */
  async replace(track) {
    const { stream } = this.publish;
    for (const old of stream.getTracks()) {
      if (old.kind === track.kind && old !== track) {
        stream.removeTrack(old);
        old.stop();
      }
    }
    if (!stream.getTracks().includes(track)) stream.addTrack(track);
    const sender = this.pc?.getSenders().find((candidate) => candidate.track?.kind === track.kind);
    if (sender) await sender.replaceTrack(track);
    else this.restart(`${track.kind} added`);
  }

  /** @param {any[]} entries @param {import('./stats.js').Mark | null} before @override */
  summarise(entries, before) {
    return summarisePublish(entries, before, performance.now());
  }
}

/**
 * What to give up last when the line is thin; a browser that does not know the wish keeps its own.
 *
 * @param {RTCRtpSender} sender
 * @param {'maintain-framerate' | 'maintain-resolution' | 'balanced'} keep
 */
async function wish(sender, keep) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = keep;
  await sender.setParameters(parameters).catch(() => undefined);
}

/**
 * H264 first, because the programme is H264 and hardware encodes it; the rest stays as the fallback
 * (Firefox without its plug-in has VP8 only).
 *
 * @param {RTCRtpTransceiver} transceiver
 */
function preferH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities?.('video')?.codecs;
  if (!codecs || !transceiver.setCodecPreferences) return;
  /** @param {{mimeType: string, sdpFmtpLine?: string}} codec */
  const rank = ({ mimeType, sdpFmtpLine = '' }) => {
    if (mimeType === 'video/H264') return sdpFmtpLine.includes('packetization-mode=1') ? (sdpFmtpLine.includes('42e01f') ? 0 : 1) : 2;
    return mimeType === 'video/VP8' ? 3 : 4;
  };
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}
