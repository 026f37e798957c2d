/** (P) The browser's WebRTC statistics, boiled down to the few numbers of `report` (docs/protocol.md, 6). */

/**
 * @typedef {Record<string, any>} Entry one object of an RTCStatsReport
 * @typedef {{at: number, bytes: number, frames: number, packets: number, lost: number, samples: number, concealed: number,
 *   energy?: number, heard?: number}} Mark `energy` of the sound, in the `heard` seconds of it
 * @typedef {Record<string, number | string>} Summary
 */

/** @param {number} value @param {number} [digits] */
const round = (value, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits;

/**
 * What a watching connection receives.
 *
 * @param {Entry[]} entries of one `getStats()`
 * @param {Mark | null} before what the last call returned as `mark`
 * @param {number} now milliseconds
 * @returns {{summary: Summary, mark: Mark}}
 */
export function summariseWatch(entries, before, now) {
  const video = entries.find((e) => e.type === 'inbound-rtp' && e.kind === 'video') ?? {};
  const audio = entries.find((e) => e.type === 'inbound-rtp' && e.kind === 'audio') ?? {};
  const pair = entries.find((e) => e.type === 'candidate-pair' && e.nominated) ?? {};
  const mark = {
    at: now,
    bytes: (video.bytesReceived ?? 0) + (audio.bytesReceived ?? 0),
    frames: video.framesDecoded ?? 0,
    packets: (video.packetsReceived ?? 0) + (audio.packetsReceived ?? 0),
    lost: (video.packetsLost ?? 0) + (audio.packetsLost ?? 0),
    samples: audio.totalSamplesReceived ?? 0,
    concealed: audio.concealedSamples ?? 0,
    energy: audio.totalAudioEnergy ?? 0,
    heard: audio.totalSamplesDuration ?? 0,
  };
  const summary = /** @type {Summary} */ ({
    frames: mark.frames,
    fps: round(video.framesPerSecond ?? 0),
    width: video.frameWidth ?? 0,
    height: video.frameHeight ?? 0,
    freezes: video.freezeCount ?? 0,
    lost: mark.lost,
    jitter_ms: round((video.jitter ?? 0) * 1000, 1),
    concealed: mark.concealed,
  });
  if (typeof pair.currentRoundTripTime === 'number') summary.rtt_ms = round(pair.currentRoundTripTime * 1000);
  addRates(summary, mark, before);
  const heard = mark.heard - (before?.heard ?? 0);
  if (before && heard > 0) summary.level = round(Math.max(-100, 10 * Math.log10((mark.energy - (before.energy ?? 0)) / heard)), 1);
  return { summary, mark };
}

/**
 * What a publishing connection sends, and what the server says of it.
 *
 * @param {Entry[]} entries
 * @param {Mark | null} before
 * @param {number} now
 * @returns {{summary: Summary, mark: Mark}}
 */
export function summarisePublish(entries, before, now) {
  const video = entries.find((e) => e.type === 'outbound-rtp' && e.kind === 'video') ?? {};
  const audio = entries.find((e) => e.type === 'outbound-rtp' && e.kind === 'audio') ?? {};
  const heard = entries.filter((e) => e.type === 'remote-inbound-rtp');
  const mark = {
    at: now,
    bytes: (video.bytesSent ?? 0) + (audio.bytesSent ?? 0),
    frames: video.framesEncoded ?? 0,
    packets: (video.packetsSent ?? 0) + (audio.packetsSent ?? 0),
    lost: heard.reduce((sum, e) => sum + Math.max(0, e.packetsLost ?? 0), 0),
    samples: 0,
    concealed: 0,
  };
  const codec = entries.find((e) => e.type === 'codec' && e.id === video.codecId);
  const rtt = Math.max(0, ...heard.map((e) => e.roundTripTime ?? 0));
  const summary = /** @type {Summary} */ ({
    frames: mark.frames,
    fps: round(video.framesPerSecond ?? 0),
    width: video.frameWidth ?? 0,
    height: video.frameHeight ?? 0,
    lost: mark.lost,
    rtt_ms: round(rtt * 1000),
    limited: video.qualityLimitationReason ?? 'none',
  });
  const pair = entries.find((e) => e.type === 'candidate-pair' && e.nominated) ?? {};
  if (typeof pair.availableOutgoingBitrate === 'number') summary.room = round(pair.availableOutgoingBitrate);
  if (codec) summary.codec = String(codec.mimeType).replace('video/', '');
  addRates(summary, mark, before);
  return { summary, mark };
}

/** @param {Summary} summary @param {Mark} mark @param {Mark | null} before */
function addRates(summary, mark, before) {
  if (!before || mark.at <= before.at) return;
  const seconds = (mark.at - before.at) / 1000;
  summary.bitrate = Math.max(0, round(((mark.bytes - before.bytes) * 8) / seconds));
  const lost = Math.max(0, mark.lost - before.lost);
  const packets = Math.max(0, mark.packets - before.packets);
  summary.loss = round(lost + packets > 0 ? lost / (lost + packets) : 0, 4);
}

/**
 * A connection in plain words, for a speaker.
 *
 * @param {Summary} summary of a publishing connection
 * @returns {{level: 'good' | 'fair' | 'poor', words: string}}
 */
export function quality(summary) {
  const loss = Number(summary.loss ?? 0);
  const rtt = Number(summary.rtt_ms ?? 0);
  const height = Number(summary.height ?? 0);
  if (loss > 0.08 || rtt > 600) return { level: 'poor', words: 'Poor connection: move closer to the router or use a cable' };
  if (height > 0 && height < 360) return { level: 'poor', words: 'Your picture is small: the connection or computer is struggling' };
  if (summary.limited === 'cpu') return { level: 'fair', words: 'Your computer is busy: close other programs' };
  if (loss > 0.02 || rtt > 300 || (height > 0 && height < 540)) return { level: 'fair', words: 'Fair connection' };
  return { level: 'good', words: 'Good connection' };
}
