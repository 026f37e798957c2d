/** (P) The check-in: some seconds of measurements of picture, voice and line become plain words about what to fix. */

/**
 * @typedef {{bitrate: number, loss: number, rtt: number, width: number, height: number, fps: number, limited: string,
 *   room: number | null, bright: number | null, level: number | null, back: number | null}} Sample
 *   one second of it. `bitrate` bit/s and `loss` (0 to 1) as sent, `rtt` ms,
 *   `room` bit/s that the browser believes the line to carry, null where it does not say, `bright` 0 to 255 of the own picture, null without one,
 *   `level` the loudest of the second in dBFS, null without a microphone, `back` pictures a second of the programme as received
 * @typedef {'good' | 'warn' | 'bad'} Tone
 * @typedef {{what: 'line' | 'loss' | 'picture' | 'light' | 'voice' | 'return', name: string, tone: Tone, found: string, fix: string}} Finding
 *   `fix` is '' where there is nothing to do
 */

/** How long a check-in measures, in samples of one second. */
export const SAMPLES = 8;

/** The first seconds, in which a connection finds its speed, do not count. */
const WARM_UP = 3;

/** @param {number[]} values @returns {number} 0 for none */
const mean = (values) => (values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length);

/** @param {(number | null)[]} values @returns {number[]} */
const known = (values) => values.filter((value) => value !== null);

/** @param {Sample[]} samples at most `SAMPLES` count @returns {Finding[]} */
export function findings(samples) {
  const steady = samples.slice(Math.min(WARM_UP, Math.max(0, samples.length - 1)), SAMPLES);
  if (steady.length === 0) return [];
  // Without a picture next to nothing is sent, and that says nothing of the line.
  const sends = steady[steady.length - 1].height > 0;
  return [...(sends ? [line(steady)] : []), loss(steady), picture(steady), light(steady), voice(samples), back(steady)];
}

/** @param {Finding[]} all @returns {Tone} the worst of them */
export function verdict(all) {
  if (all.some((finding) => finding.tone === 'bad')) return 'bad';
  return all.some((finding) => finding.tone === 'warn') ? 'warn' : 'good';
}

/**
 * A still or dark picture needs next to nothing, so what is sent says little of the line: it is thin only where the
 * picture had to give way to it, or fills what there is room for.
 *
 * @param {Sample[]} samples @returns {Finding}
 */
function line(samples) {
  const sent = mean(samples.map((sample) => sample.bitrate)) / 1e6;
  const room = mean(known(samples.map((sample) => sample.room))) / 1e6;
  const found = room > sent ? `${room.toFixed(1)} Mbit/s up, ${sent.toFixed(1)} used` : `${sent.toFixed(1)} Mbit/s up`;
  const base = { what: /** @type {const} */ ('line'), name: 'Upload', found };
  const gaveWay = samples.filter((sample) => sample.limited === 'bandwidth').length * 2 > samples.length;
  const full = room > 0 && room < 0.8 && sent > room / 2;
  if ((gaveWay || full) && Math.max(sent, room) < 0.4) return { ...base, tone: 'bad', fix: 'Hardly anything gets through. Use a network cable, or the hotspot of your phone.' };
  if (gaveWay || full) return { ...base, tone: 'warn', fix: 'The line is thin. Stop other downloads and cloud backups, or use a network cable.' };
  return { ...base, tone: 'good', fix: '' };
}

/** @param {Sample[]} samples @returns {Finding} */
function loss(samples) {
  const lost = mean(samples.map((sample) => sample.loss));
  const rtt = mean(samples.map((sample) => sample.rtt));
  const found = `${(lost * 100).toFixed(1)} % lost, ${Math.round(rtt)} ms there and back`;
  const base = { what: /** @type {const} */ ('loss'), name: 'Connection', found };
  if (lost > 0.05) return { ...base, tone: 'bad', fix: 'Packets get lost on the way. Move closer to the router, or use a network cable.' };
  if (lost > 0.01) return { ...base, tone: 'warn', fix: 'Some packets get lost. A network cable is better than Wi-Fi.' };
  if (rtt > 400) return { ...base, tone: 'warn', fix: 'The way to the studio is long. Switch off a VPN if you use one, and leave pauses for answers.' };
  return { ...base, tone: 'good', fix: '' };
}

/** @param {Sample[]} samples @returns {Finding} */
function picture(samples) {
  const last = samples[samples.length - 1];
  const fps = mean(samples.map((sample) => sample.fps));
  const found = last.height > 0 ? `${last.width} \u00D7 ${last.height}, ${Math.round(fps)} a second` : 'no picture is sent';
  const base = { what: /** @type {const} */ ('picture'), name: 'Picture', found };
  const busy = samples.filter((sample) => sample.limited === 'cpu').length * 2 > samples.length;
  if (last.height === 0) return { ...base, tone: 'bad', fix: 'Nobody can see you. Choose a camera under Devices, and close programs that use it.' };
  if (busy) return { ...base, tone: 'warn', fix: 'Your computer is busy. Close other programs and tabs, and plug in the power supply.' };
  if (fps < 12) return { ...base, tone: 'bad', fix: 'Your picture jerks. Close other programs; in the dark a camera slows down, so turn on a light.' };
  if (fps < 20) return { ...base, tone: 'warn', fix: 'Your picture is not smooth. More light helps: in the dark a camera slows down.' };
  const thin = samples.filter((sample) => sample.limited === 'bandwidth').length * 2 > samples.length;
  if (last.height < 480 && thin) return { ...base, tone: 'warn', fix: 'Your picture is small, because the line is thin. It grows as soon as the line allows it.' };
  if (last.height < 480) return { ...base, tone: 'warn', fix: 'Your picture is small. Choose another camera under Devices if you have one.' };
  return { ...base, tone: 'good', fix: '' };
}

/** @param {Sample[]} samples @returns {Finding} */
function light(samples) {
  const values = known(samples.map((sample) => sample.bright));
  const bright = mean(values);
  const base = { what: /** @type {const} */ ('light'), name: 'Light' };
  if (values.length === 0) return { ...base, tone: 'warn', found: 'no picture to judge', fix: '' };
  if (bright < 12) return { ...base, tone: 'bad', found: 'black', fix: 'Your picture is black. Open the shutter of the camera, or choose another one.' };
  if (bright < 55) return { ...base, tone: 'warn', found: 'dark', fix: 'It is dark around you. Turn on a lamp in front of you, not behind you.' };
  if (bright > 215) return { ...base, tone: 'warn', found: 'very bright', fix: 'Your picture is too bright. Turn away from the window or the lamp.' };
  return { ...base, tone: 'good', found: 'good', fix: '' };
}

/** @param {Sample[]} samples @returns {Finding} */
function voice(samples) {
  const levels = known(samples.map((sample) => sample.level));
  const base = { what: /** @type {const} */ ('voice'), name: 'Voice' };
  if (levels.length === 0) return { ...base, tone: 'bad', found: 'no microphone', fix: 'Choose a microphone under Devices, or switch it on.' };
  const loudest = Math.max(...levels);
  const found = loudest <= -90 ? 'silence' : `${Math.round(loudest)} dB`;
  if (loudest < -70) return { ...base, tone: 'bad', found, fix: 'Nothing is heard, not even the room. The microphone may be switched off at its cable or case.' };
  if (loudest < -45) return { ...base, tone: 'warn', found, fix: 'Say a few words. If you did: come closer to the microphone, or choose another one.' };
  if (loudest > -1) return { ...base, tone: 'warn', found, fix: 'You are too loud. Move away from the microphone, or turn it down.' };
  return { ...base, tone: 'good', found, fix: '' };
}

/** @param {Sample[]} samples @returns {Finding} */
function back(samples) {
  const values = known(samples.map((sample) => sample.back));
  const fps = mean(values);
  const base = { what: /** @type {const} */ ('return'), name: 'Programme' };
  if (values.length === 0 || fps < 1) return { ...base, tone: 'warn', found: 'no picture comes back', fix: 'You may not see the programme; you can be on air all the same.' };
  if (fps < 20) return { ...base, tone: 'warn', found: `${Math.round(fps)} pictures a second`, fix: 'What you see jerks; what others see of you does not. Close other programs.' };
  return { ...base, tone: 'good', found: `${Math.round(fps)} pictures a second`, fix: '' };
}
