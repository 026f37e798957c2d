/** Cameras and microphones: asking for them, listing them, remembering the choice on this device. */

const KEY = 'pavilion.devices';

/** @typedef {{camera: string, microphone: string, speaker: string, headphones: boolean}} Choice ids of devices, '' for the browser's own */
/** @typedef {{video?: string, audio?: string}} Ids of devices, as above; nothing is asked for of a kind without one */

/** @returns {Choice} */
export function remembered() {
  const none = { camera: '', microphone: '', speaker: '', headphones: false };
  try {
    return { ...none, ...JSON.parse(localStorage.getItem(KEY) ?? '{}') };
  } catch {
    return none; // storage switched off, or written by something else
  }
}

/** @param {Choice} choice */
export function remember(choice) {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    console.info('the choice of devices cannot be kept: storage is switched off');
  }
}

/** @param {string} id @returns {MediaTrackConstraints} */
function camera(id) {
  return { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, ...chosen(id) };
}

/** @param {string} id @returns {MediaTrackConstraints} */
function microphone(id) {
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...chosen(id) };
}

/** Exactly this device: what is only wished for, Chromium passes over. @param {string} id @returns {MediaTrackConstraints} */
function chosen(id) {
  return id ? { deviceId: { exact: id } } : {};
}

/**
 * Camera and microphone; the microphone alone where there is no camera.
 *
 * @param {Choice} choice
 * @returns {Promise<{stream: MediaStream, missing: unknown}>} `missing`: the error for which there is no camera, or null;
 *   throws what getUserMedia throws
 */
export async function open(choice) {
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException('needs https', 'SecurityError');
  try {
    return { stream: await ask({ video: choice.camera, audio: choice.microphone }), missing: null };
  } catch (error) {
    if (!gone(error) && !taken(error)) throw error;
    return { stream: await ask({ audio: choice.microphone }), missing: error };
  }
}

/** One device anew, after a change in the pickers. @param {'video' | 'audio'} kind @param {Choice} choice @returns {Promise<MediaStreamTrack>} */
export async function openOne(kind, choice) {
  const stream = await ask(kind === 'video' ? { video: choice.camera } : { audio: choice.microphone });
  return stream.getTracks()[0];
}

/**
 * The chosen devices; in the place of one that is gone, the browser's own.
 *
 * @param {Ids} ids
 * @returns {Promise<MediaStream>}
 */
function ask({ video, audio }) {
  return firstOf(orOwn(audio).flatMap((mic) => orOwn(video).map((cam) => ({ video: cam, audio: mic }))));
}

/** @param {Ids[]} tries one after the other, while devices are gone @returns {Promise<MediaStream>} */
async function firstOf([{ video, audio }, ...others]) {
  try {
    const wish = { ...(video === undefined ? {} : { video: camera(video) }), ...(audio === undefined ? {} : { audio: microphone(audio) }) };
    return hinted(await navigator.mediaDevices.getUserMedia(wish));
  } catch (error) {
    if (others.length === 0 || !gone(error)) throw error;
    return firstOf(others);
  }
}

/** @param {string | undefined} id @returns {(string | undefined)[]} */
function orOwn(id) {
  return id ? [id, ''] : [id];
}

/** Not every browser makes all its errors DOMExceptions. @param {unknown} error @returns {string} */
function nameOf(error) {
  return /** @type {{name?: string} | null} */ (error)?.name ?? '';
}

/** Whether there is no such device. @param {unknown} error */
function gone(error) {
  return ['NotFoundError', 'OverconstrainedError'].includes(nameOf(error));
}

/** Whether the device is there, but something else has it. @param {unknown} error */
export function taken(error) {
  return ['NotReadableError', 'AbortError'].includes(nameOf(error));
}

/** A screen or window to show as slides. @returns {Promise<MediaStream>} */
export async function openScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 30 } }, audio: false });
  for (const track of stream.getVideoTracks()) track.contentHint = 'detail';
  return stream;
}

/** A talking person is motion to the encoder. @param {MediaStream} stream */
function hinted(stream) {
  for (const track of stream.getVideoTracks()) track.contentHint = 'motion';
  return stream;
}

/** @returns {Promise<Record<'videoinput' | 'audioinput' | 'audiooutput', MediaDeviceInfo[]>>} */
export async function list() {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (/** @type {string} */ kind) => all.filter((device) => device.kind === kind && device.deviceId !== '');
  return { videoinput: of('videoinput'), audioinput: of('audioinput'), audiooutput: of('audiooutput') };
}

/** What went wrong with a device, for its owner. @param {unknown} error @param {'audio' | 'video'} [kind] @returns {string} */
export function complaint(error, kind = 'audio') {
  const name = nameOf(error);
  if (name === 'NotAllowedError') return 'The browser may not use your camera and microphone. Allow both in the address bar (the camera symbol), then try again.';
  if (name === 'NotFoundError') return kind === 'video' ? 'No camera was found: you are heard, but not seen. Plug one in.' : 'No microphone was found. Plug one in, then try again.';
  if (taken(error) && kind === 'video') return 'Your camera is in use by another program. Close that program, then press \u201CCamera off\u201D, or choose another camera under Devices.';
  if (taken(error)) return 'Your camera or microphone is in use by another program. Close it, then try again.';
  if (name === 'SecurityError') return 'Browsers give the camera only to pages opened with https. Please use the https link.';
  return `Camera and microphone could not be opened (${name || String(error)}).`;
}
