/**
 * (P) By which way the programme comes: WebRTC first, LL-HLS where that does not get through or where the viewer
 * is behind. A state machine: `(choice, event) -> choice`, and `plan` says what is to run and to be shown.
 *
 *     live:    WebRTC is tried at once; without a picture for two seconds LL-HLS starts beside it. Whichever has
 *              a picture first is shown; WebRTC, once it has one, takes over, and LL-HLS ends.
 *     behind:  LL-HLS alone; WebRTC's last picture stands until LL-HLS has one.
 *
 * @typedef {'live' | 'behind'} Want
 * @typedef {'off' | 'trying' | 'shown' | 'never'} Rtc `never`: it cannot work in this browser, or the server said no for good
 * @typedef {'off' | 'starting' | 'shown' | 'missing'} Hls `missing`: neither hls.js nor the browser plays it
 * @typedef {{want: Want, wantSince: number, rtc: Rtc, rtcSince: number, rtcAgain: number, rtcMisses: number,
 *   hls: Hls, hlsAgain: number, hlsMisses: number, closed: boolean}} Choice all times in ms by one clock;
 *   `rtcSince`: since when WebRTC has no picture; `...Again`: not to be tried before; `closed`: the pass is refused
 * @typedef {{type: 'want', want: Want, at: number} | {type: 'rtc', state: import('./peering.js').PeeringState, code: string | null, at: number}
 *   | {type: 'picture', of: 'rtc' | 'hls', at: number} | {type: 'hls', state: 'started' | 'failed' | 'missing', at: number}
 *   | {type: 'tick', at: number}} Event
 * @typedef {{rtc: boolean, hls: boolean, edge: boolean, show: 'rtc' | 'hls' | null}} Plan `edge`: LL-HLS belongs to the live edge
 */

/** So long WebRTC may be without a picture before LL-HLS starts beside it, ms. */
export const PATIENCE = 2000;

/** Back to live: so long WebRTC is waited for before LL-HLS jumps there itself, ms. */
export const GRACE = 800;

/** What WebRTC fails with where another attempt right away would fail as well. */
const FRUITLESS = new Set(['no_media', 'busy']);

/** While LL-HLS is shown: the waits after the first, second, ... attempt that brought no picture, ms: each costs the server an offer. */
const RTC_WAITS = [20_000, 60_000, 300_000];
const HLS_WAITS = [500, 1500, 3000];

/** @param {number} now ms @returns {Choice} */
export function begin(now) {
  return { want: 'live', wantSince: now, rtc: 'trying', rtcSince: now, rtcAgain: 0, rtcMisses: 0, hls: 'off', hlsAgain: 0, hlsMisses: 0, closed: false };
}

/** @param {Choice} choice @param {Event} event @returns {Choice} */
export function choose(choice, event) {
  switch (event.type) {
    case 'want':
      return wish(choice, event.want, event.at);
    case 'rtc':
      return told(choice, event.state, event.code, event.at);
    case 'picture':
      return event.of === 'rtc' ? rtcPicture(choice) : { ...choice, hls: choice.hls === 'missing' ? 'missing' : 'shown', hlsMisses: 0 };
    case 'hls':
      return heard(choice, event.state, event.at);
    default:
      return choice; // time alone changes nothing but the plan
  }
}

/** @param {Choice} choice @param {number} now ms @returns {Plan} */
export function plan(choice, now) {
  if (choice.closed) return { rtc: false, hls: false, edge: false, show: null };
  const behind = choice.want === 'behind';
  const show = shown(choice);
  const rtcMay = choice.rtc !== 'never' && now >= choice.rtcAgain;
  const rtc = behind ? choice.rtc === 'shown' && show !== 'hls' : rtcMay;
  const hlsMay = choice.hls !== 'missing' && (choice.hls !== 'off' || now >= choice.hlsAgain);
  const late = !rtcMay || now - choice.rtcSince >= PATIENCE;
  // What is on the screen stays there until the other way has a picture.
  const held = choice.hls === 'shown' && choice.rtc !== 'shown';
  const hls = hlsMay && (behind || (choice.rtc !== 'shown' && (late || held || choice.hls === 'starting')));
  return { rtc, hls, edge: !behind && (!rtcMay || now - choice.wantSince >= GRACE), show };
}

/** @param {Choice} choice @returns {'rtc' | 'hls' | null} */
function shown({ want, rtc, hls }) {
  const first = want === 'behind' ? ['hls', 'rtc'] : ['rtc', 'hls'];
  for (const way of first) {
    if (way === 'rtc' && rtc === 'shown') return 'rtc';
    if (way === 'hls' && hls === 'shown') return 'hls';
  }
  return null;
}

/** @param {Choice} choice @param {Want} want @param {number} at @returns {Choice} */
function wish(choice, want, at) {
  if (want === choice.want) return choice;
  const rtc = choice.rtc === 'off' && want === 'live' ? 'trying' : choice.rtc;
  const hls = want === 'live' && choice.rtc === 'shown' && choice.hls === 'starting' ? 'off' : choice.hls;
  return { ...choice, want, wantSince: at, rtc, hls, rtcSince: choice.rtc === 'shown' ? choice.rtcSince : at };
}

/** What the WebRTC side says of itself. @param {Choice} choice @param {string} state @param {string | null} code @param {number} at @returns {Choice} */
function told(choice, state, code, at) {
  if (state === 'idle') return { ...choice, rtc: choice.rtc === 'never' ? 'never' : 'off' };
  if (state === 'refused') {
    if (code !== null && (code.startsWith('pass_') || code === 'removed' || code === 'role_forbidden')) return { ...choice, closed: true };
    return { ...choice, rtc: 'never' };
  }
  if (state === 'connected' || choice.rtc === 'never') return choice;
  if (choice.hls === 'shown' && code !== null && state === 'waiting' && FRUITLESS.has(code)) return rested(choice, at);
  if (choice.rtc === 'shown' || choice.rtc === 'off') return { ...choice, rtc: 'trying', rtcSince: at };
  return choice;
}

/** @param {Choice} choice @returns {Choice} */
function rtcPicture(choice) {
  if (choice.rtc === 'never') return choice;
  const over = choice.want === 'live' && choice.hls !== 'missing'; // LL-HLS is no longer needed
  return { ...choice, rtc: 'shown', rtcMisses: 0, rtcAgain: 0, hls: over ? 'off' : choice.hls, hlsAgain: over ? 0 : choice.hlsAgain };
}

/** @param {Choice} choice @param {'started' | 'failed' | 'missing'} state @param {number} at @returns {Choice} */
function heard(choice, state, at) {
  if (state === 'missing') return { ...choice, hls: 'missing', want: 'live' };
  if (state === 'started') return choice.hls === 'off' ? { ...choice, hls: 'starting' } : choice;
  const wait = HLS_WAITS[Math.min(choice.hlsMisses, HLS_WAITS.length - 1)];
  return { ...choice, hls: 'off', hlsAgain: at + wait, hlsMisses: choice.hlsMisses + 1 };
}

/** WebRTC that brings nothing rests a while, longer each time. @param {Choice} choice @param {number} at @returns {Choice} */
function rested(choice, at) {
  const wait = RTC_WAITS[Math.min(choice.rtcMisses, RTC_WAITS.length - 1)];
  return { ...choice, rtc: 'trying', rtcMisses: choice.rtcMisses + 1, rtcAgain: at + wait, rtcSince: at + wait };
}
