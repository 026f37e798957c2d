/** (P) Targets of the programme beside its viewers (RTMP, SRT), in words for the producer. */

/** @typedef {import('./types.js').Target} Target @typedef {import('./types.js').TargetLine} TargetLine @typedef {import('./health.js').Tone} Tone */

/** @param {number} bits a second @returns {string} */
export function rate(bits) {
  if (bits >= 1e6) return `${(bits / 1e6).toFixed(1)} Mbit/s`;
  return bits > 0 ? `${Math.round(bits / 1000)} kbit/s` : '';
}

/**
 * What a target does now: a word, what stands beside it, and how that looks.
 *
 * @param {Target} target @param {TargetLine | null} line of the last health; null where it says nothing @param {number} now server
 * @returns {{word: string, words: string, tone: Tone | 'air'}}
 */
export function targetWords(target, line, now) {
  if (!target.on) return { word: 'Off', words: '', tone: '' };
  if (!line || line.state === 'connecting') return { word: 'Connecting\u2026', words: line?.reason ?? '', tone: 'warn' };
  if (line.state === 'live') {
    const lost = line.dropped > 0 ? `${line.dropped} frames left out` : '';
    const again = line.reconnects > 0 ? `connected anew ${line.reconnects === 1 ? 'once' : `${line.reconnects} times`}` : '';
    return { word: 'Live', words: [rate(line.bitrate), again, lost].filter(Boolean).join(' \u00b7 '), tone: 'good' };
  }
  const seconds = line.next_try === null ? 0 : Math.max(0, Math.ceil((line.next_try - now) / 1000));
  return { word: 'Trying again', words: `${line.reason} Next try ${seconds > 0 ? `in ${seconds} s` : 'now'}.`, tone: 'bad' };
}

/** @param {Target[]} targets @param {TargetLine[]} lines @returns {string} how many are live, '' while none is on */
export function countWords(targets, lines) {
  const on = targets.filter((target) => target.on).length;
  return on === 0 ? '' : `${lines.filter((line) => line.state === 'live').length} of ${on} live`;
}
