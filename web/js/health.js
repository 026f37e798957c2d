/** (P) Health in plain words, for the producer: feeds, pages, the mixer. */

/** @typedef {import('./types.js').FeedHealth} FeedHealth @typedef {import('./types.js').ClientHealth} ClientHealth @typedef {import('./types.js').Health} Health @typedef {import('./types.js').Show} Show */

/** @typedef {'good' | 'warn' | 'bad' | ''} Tone */

const ENOUGH = 0.8; // of the programme's pictures: below that one sees that some are missing

/** @param {FeedHealth | null} feed @returns {{words: string, tone: Tone}} */
export function feedWords(feed) {
  if (!feed) return { words: '', tone: '' };
  if (feed.verdict === 'dead') return { words: feed.why || 'No picture', tone: 'bad' };
  if (feed.verdict === 'poor') return { words: feed.why || 'Poor', tone: 'warn' };
  return { words: 'Good', tone: 'good' };
}

/** A feed in figures: size and rate, bits a second, loss, round trip. @param {FeedHealth | null} feed @returns {string} */
export function feedFigures(feed) {
  if (!feed) return '';
  const size = feed.height > 0 ? `${feed.height}p${Math.round(feed.fps)}` : '';
  const bits = feed.bitrate >= 1e6 ? `${(feed.bitrate / 1e6).toFixed(1)}M` : feed.bitrate > 0 ? `${Math.round(feed.bitrate / 1000)}k` : '';
  const lost = feed.kind === 'clip' ? '' : `${(feed.loss * 100).toFixed(feed.loss < 0.1 ? 1 : 0)}%`;
  const rtt = feed.rtt_ms === null || feed.rtt_ms === undefined ? '' : `${Math.round(feed.rtt_ms)}ms`;
  return [size, bits, lost, rtt].filter(Boolean).join('  ');
}

/**
 * What a feed lacks to be on air.
 *
 * @param {Show} show @param {Health | null} health @param {string} id of the feed @returns {string} '' when nothing does
 */
export function missing(show, health, id) {
  const owner = show.people.find((person) => person.id === id.replace(/\.slides$/, ''));
  const feed = health?.feeds.find((known) => known.id === id);
  if (owner && owner.connected === false && !owner.feeds?.includes(id)) return 'is not connected';
  if (owner?.feeds && !owner.feeds.includes(id)) return id.endsWith('.slides') ? 'shares no screen' : 'sends no camera picture';
  if (!feed) return owner ? '' : 'is not loaded';
  return feed.verdict === 'dead' ? feed.why || 'no picture arrives' : '';
}

/** Whether so few pictures of the programme come that one sees it. @param {number} fps @param {Health | null} health */
export function isSlow(fps, health) {
  return fps < ENOUGH * (health?.mixer.nominal_fps ?? 30);
}

/** What a page reports of itself. @param {ClientHealth} client @param {Health | null} health @returns {{words: string, tone: Tone}} */
export function clientWords({ page, rtt_ms: rtt, stats }, health) {
  const parts = [];
  const fps = stats.fps;
  const loss = Number(stats.loss ?? 0);
  const watches = page === 'screen' || page === 'watch';
  if (typeof fps === 'number') parts.push(fps > 0 ? `${Math.round(fps)} fps` : 'no picture');
  if (loss > 0) parts.push(`${(loss * 100).toFixed(1)} % lost`);
  if (rtt !== null && rtt !== undefined) parts.push(`${Math.round(rtt)} ms`);
  if (page === 'screen' && stats.sound === 0) parts.push('no sound');
  const noPicture = watches && fps === 0;
  const bad = noPicture || loss > 0.08;
  const warn = loss > 0.02 || (rtt ?? 0) > 300 || (page === 'screen' && stats.sound === 0) || (watches && typeof fps === 'number' && isSlow(fps, health));
  return { words: parts.join(' \u00b7 ') || 'connected', tone: bad ? 'bad' : warn ? 'warn' : 'good' };
}

/** What the producer should know now, worst first. @param {Health | null} health @param {(id: string) => string} nameOf @returns {string[]} */
export function warnings(health, nameOf) {
  if (!health) return [];
  const mixer = health.mixer.state === 'up' ? [] : ['The mixer is starting again; viewers keep their connection.'];
  const screens = health.clients.filter((client) => client.page === 'screen');
  const dark = screens.filter((client) => client.stats.fps === 0).map((client) => `${client.name || 'A screen'} shows no picture.`);
  // A clip at rest sends no picture, and is none the worse for it.
  const feeds = health.feeds
    .filter((feed) => feed.verdict === 'dead' && feed.kind !== 'clip')
    .map((feed) => `${nameOf(feed.owner || feed.id)}: ${feed.why || 'no picture arrives'}.`);
  const disk = health.recording?.notice ? [health.recording.notice] : [];
  const away = (health.restream ?? [])
    .filter((line) => line.state === 'retrying')
    .map((line) => `${nameOf(line.id)}: ${line.reason} It is tried again by itself.`);
  return [...disk, ...mixer, ...dark, ...feeds, ...away];
}
