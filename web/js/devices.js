/** Cameras and microphones: asking for them, listing them, remembering the choice on this device. */

const KEY = 'pavilion.devices';

/** @typedef {{camera: string, microphone: string, speaker: string, headphones: boolean}} Choice ids of devices, '' for the browser's own */

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
  return { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, ...(id ? { deviceId: { ideal: id } } : {}) };
}

/** @param {string} id @returns {MediaTrackConstraints} */
function microphone(id) {
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(id ? { deviceId: { ideal: id } } : {}) };
}

/**
 * Camera and microphone; the microphone alone where there is no camera.
 *
 * @param {Choice} choice
 * @returns {Promise<{stream: MediaStream, noCamera: boolean}>} throws what getUserMedia throws
 */
export async function open(choice) {
  if (!navigator.mediaDevices?.getUserMedia) throw new DOMException('needs https', 'SecurityError');
  const audio = microphone(choice.microphone);
  try {
    return { stream: hinted(await navigator.mediaDevices.getUserMedia({ audio, video: camera(choice.camera) })), noCamera: false };
  } catch (error) {
    if (!(error instanceof DOMException) || !['NotFoundError', 'NotReadableError', 'OverconstrainedError'].includes(error.name)) throw error;
    return { stream: await navigator.mediaDevices.getUserMedia({ audio }), noCamera: true };
  }
}

/** One device anew, after a change in the pickers. @param {'video' | 'audio'} kind @param {Choice} choice @returns {Promise<MediaStreamTrack>} */
export async function openOne(kind, choice) {
  const constraints = kind === 'video' ? { video: camera(choice.camera) } : { audio: microphone(choice.microphone) };
  const stream = hinted(await navigator.mediaDevices.getUserMedia(constraints));
  return stream.getTracks()[0];
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
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') return 'The browser may not use your camera and microphone. Allow both in the address bar (the camera symbol), then try again.';
  if (name === 'NotFoundError') return kind === 'video' ? 'No camera was found: you are heard, but not seen. Plug one in.' : 'No microphone was found. Plug one in, then try again.';
  if (name === 'NotReadableError') return 'Your camera or microphone is in use by another program. Close it, then try again.';
  if (name === 'SecurityError') return 'Browsers give the camera only to pages opened with https. Please use the https link.';
  return `Camera and microphone could not be opened (${name || String(error)}).`;
}
