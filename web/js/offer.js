/** The HTTP side of WHIP and WHEP (docs/protocol.md, section 3): post an offer, end a session, name a refusal. */

/** @typedef {import('./types.js').Fault} Fault */

const HTTP_TIMEOUT = 8000; // ms

/** A refusal by the server, with the stable code of docs/protocol.md. */
export class WireError extends Error {
  /** @param {string} code @param {string} message @param {number} status 0 when nobody answered */
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }

  /** Whether trying again cannot help. */
  get final() {
    return this.code === 'no_usable_codec' || this.status === 401 || this.status === 403;
  }
}

/**
 * Two channels of Opus: Chromium decodes them only if its own description says so, and it does not by itself.
 *
 * @param {string} sdp @returns {string}
 */
export function stereo(sdp) {
  const opus = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(sdp)?.[1];
  if (opus === undefined) return sdp;
  const line = new RegExp(`^(a=fmtp:${opus} )(?!.*\\bstereo=)(.*?)(\r?)$`, 'gm');
  return sdp.replace(line, '$1$2;stereo=1$3');
}

/** The offer, put in place. @param {RTCPeerConnection} pc */
export async function describe(pc) {
  const offer = await pc.createOffer();
  const sdp = offer.sdp ?? '';
  const wished = sdp.includes('a=recvonly') ? stereo(sdp) : sdp;
  // A browser that wants its own words untouched gets them, and plays one channel.
  await pc.setLocalDescription({ type: 'offer', sdp: wished }).catch(() => pc.setLocalDescription(offer));
}

/**
 * One offer, one answer.
 *
 * @param {string} path @param {string | null} pass @param {string} sdp @param {AbortSignal} signal
 * @returns {Promise<{answer: string, location: string}>}
 */
export async function exchange(path, pass, sdp, signal) {
  /** @type {Record<string, string>} */
  const headers = { 'Content-Type': 'application/sdp' };
  if (pass) headers.Authorization = `Bearer ${pass}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(HTTP_TIMEOUT)]);
  let response;
  try {
    response = await fetch(path, { method: 'POST', headers, body: sdp, signal: limit });
  } catch {
    throw new WireError('unreachable', 'The server does not answer.', 0);
  }
  const text = await response.text();
  if (response.status !== 201) throw refusal(response.status, text);
  return { answer: text, location: new URL(response.headers.get('Location') ?? path, response.url).href };
}

/** @param {number} status @param {string} text @returns {WireError} */
function refusal(status, text) {
  try {
    const fault = /** @type {Fault} */ (JSON.parse(text).error);
    return new WireError(fault.code, fault.message, status);
  } catch {
    return new WireError('unexpected', `The server answered with status ${status}.`, status);
  }
}

/**
 * Whether the server still knows a session; true as well when it cannot be asked.
 *
 * @param {string} location @param {string | null} pass @returns {Promise<boolean>}
 */
export async function known(location, pass) {
  /** @type {Record<string, string>} */
  const headers = pass ? { Authorization: `Bearer ${pass}` } : {};
  try {
    const response = await fetch(location, { headers, cache: 'no-store', signal: AbortSignal.timeout(HTTP_TIMEOUT) });
    return response.status !== 404;
  } catch {
    return true;
  }
}

/**
 * Asks for a rendition of the programme in a session that runs, and says what is sent.
 *
 * @param {string} location @param {string | null} pass @param {string} id "auto", or one of `renditions`
 * @returns {Promise<{rendition: string, sent: string | null, renditions: string[]}>}
 */
export async function chooseRendition(location, pass, id) {
  /** @type {Record<string, string>} */
  const headers = { 'Content-Type': 'application/json' };
  if (pass) headers.Authorization = `Bearer ${pass}`;
  const body = JSON.stringify({ rendition: id });
  const response = await fetch(`${location}/rendition`, { method: 'PUT', headers, body, signal: AbortSignal.timeout(HTTP_TIMEOUT) });
  if (!response.ok) throw refusal(response.status, await response.text());
  return response.json();
}

/**
 * Ends a session on the server.
 *
 * @param {string} location @param {string | null} pass
 */
export function forget(location, pass) {
  /** @type {Record<string, string>} */
  const headers = pass ? { Authorization: `Bearer ${pass}` } : {};
  // Nobody waits for the answer: if it is lost, the server notices the silence.
  fetch(location, { method: 'DELETE', headers, keepalive: true }).catch(() => undefined);
}
