/** The viewer's page: the bar under the picture, and its keys. */

import '../components/timeline.js';
import { markIdle } from '../components/idle.js';
import { Timeline } from '../components/timeline.js';
import { byId, el, keyed, need, setAttribute, setText, show } from '../dom.js';
import { after, before } from '../timeline.js';
import { clock, duration } from '../time.js';

/** @typedef {import('../programme.js').Programme} Programme @typedef {import('./watch.js').Look} Look */

/** What the arrow keys and the button go back, ms. */
const STEP = 10_000;

/** One press of an arrow key on the volume. */
const LOUDER = 0.1;

/** @param {Programme} programme @param {import('../session.js').Session} session @param {() => void} redraw the whole page */
export function wireBar(programme, session, redraw) {
  const timeline = need('timeline', Timeline);
  const volume = need('volume', HTMLInputElement);
  const speed = need('speed', HTMLSelectElement);
  const quality = need('quality', HTMLSelectElement);
  const list = () => last?.list ?? [];
  let last = /** @type {Look | null} */ (null);

  const toggleSound = () => {
    // The press that unlocked the sound is also a click on this button; it must not switch it off again.
    if (performance.now() - programme.player.unlockedAt > 800) programme.sound(!programme.player.hasSound);
  };
  const togglePlay = () => {
    // Before there is anything to go back to, a pause has nowhere to go on from.
    if (programme.paused || last?.whole) programme.pause(!programme.paused);
  };
  for (const sign of ['pointerover', 'focusin']) byId('main').addEventListener(sign, () => last?.whole && programme.expectRewind());
  /** @param {number} ms */
  const step = (ms) => {
    if (last?.whole) timeline.step(ms);
  };
  /** @param {number | null} date */
  const jump = (date) => {
    if (date !== null && last?.whole) programme.seek(date);
  };
  /** @param {number} by */
  const louder = (by) => programme.volume(Math.min(1, Math.max(0, programme.player.video.volume + by)));
  const toggleChapters = (open = Boolean(byId('chapters').hidden)) => {
    const inside = byId('chapters').contains(document.activeElement);
    show(byId('chapters'), open);
    setAttribute(byId('chapters-button'), 'aria-expanded', String(open));
    if (open) redraw(); // the list is drawn only while it is seen
    const first = byId('chapters').querySelector('[aria-current] button') ?? byId('chapters').querySelector('button');
    if (open && first instanceof HTMLElement) first.focus();
    if (!open && inside) byId('chapters-button').focus();
  };

  const keys = /** @type {Record<string, () => unknown>} */ ({
    ' ': togglePlay,
    k: togglePlay,
    ArrowLeft: () => step(-STEP),
    ArrowRight: () => step(STEP),
    ArrowUp: () => louder(LOUDER),
    ArrowDown: () => louder(-LOUDER),
    l: () => programme.goLive(),
    m: toggleSound,
    f: () => void toggleFullscreen(programme),
    c: () => list().length > 0 && toggleChapters(),
    n: () => jump(after(list(), programme.date)),
    p: () => jump(before(list(), programme.date)),
    Escape: () => toggleChapters(false),
  });
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    if ((event.key === 'ArrowUp' || event.key === 'ArrowDown') && !atStage(target)) return; // the page scrolls
    if (event.key === ' ' && target instanceof HTMLButtonElement) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    if (event.key === ' ' || event.key.startsWith('Arrow')) event.preventDefault();
    act();
  });

  // A button that was pressed by a pointer does not keep the space bar for itself.
  addEventListener('click', ({ detail, target }) => {
    const button = target instanceof Element ? target.closest('button') : null;
    if (detail > 0) button?.blur();
  });
  byId('play').addEventListener('click', togglePlay);
  byId('big-play').addEventListener('click', togglePlay);
  byId('rewind').addEventListener('click', () => step(-STEP));
  byId('live').addEventListener('click', () => programme.goLive());
  byId('sound').addEventListener('click', toggleSound);
  byId('unmute').addEventListener('click', () => programme.sound(true));
  byId('fullscreen').addEventListener('click', () => void toggleFullscreen(programme));
  byId('chapters-button').addEventListener('click', () => toggleChapters());
  byId('chapter-list').addEventListener('click', () => toggleChapters(false));
  byId('curtain-watch').addEventListener('click', () => jump(list()[0] ? Math.max(list()[0].start, last?.whole?.from ?? 0) : null));
  timeline.addEventListener('seek', (event) => programme.seek(/** @type {CustomEvent} */ (event).detail));
  markIdle(byId('stage'));
  document.addEventListener('fullscreenchange', () => setText(byId('fullscreen-word'), document.fullscreenElement ? 'Leave full screen' : 'Full screen'));
  volume.addEventListener('input', () => programme.volume(Number(volume.value) / 100));
  speed.addEventListener('change', () => {
    programme.speed(Number(speed.value));
    speed.blur();
  });
  quality.addEventListener('change', () => {
    programme.quality = quality.value;
    quality.blur();
  });

  function drawSound() {
    const { player } = programme;
    setText(byId('sound-word'), player.hasSound ? 'Mute' : 'Sound on');
    byId('sound').dataset.on = String(player.hasSound);
    show(byId('unmute'), player.dataset.sound === 'refused');
    const level = String(player.video.muted ? 0 : Math.round(player.video.volume * 100));
    if (volume.value !== level) volume.value = level;
  }

  /** @param {Look} seen */
  function draw(seen) {
    last = seen;
    const { whole, date } = seen;
    timeline.update(whole && { whole, date, chapters: seen.list, over: seen.over, thumbs: seen.thumbs });
    for (const id of ['play', 'rewind', 'chapters-button']) show(byId(id), whole !== null);
    if (whole === null && !byId('chapters').hidden) toggleChapters(false);
    drawPlay(programme);
    drawSound();
    const live = programme.isLive;
    byId('live').dataset.live = String(live && programme.hasPicture);
    setAttribute(byId('live'), 'aria-disabled', String(live));
    setText(byId('live-word'), !live ? 'Go live' : seen.view?.mode === 'replay' ? 'On air' : 'Live');
    show(byId('live'), !live || (!seen.over && seen.view?.mode !== 'soon'));
    setText(byId('where'), live ? '' : seen.over ? clock(date) : `\u2212${duration(seen.now - date)}`);
    setText(byId('audience'), seen.show?.audience && live ? `${seen.show.audience.viewers} watching` : '');
    show(byId('speed-field'), !live);
    if (document.activeElement !== speed) speed.value = String(programme.rate);
    drawQuality(programme, quality);
  }

  programme.addEventListener('sound', drawSound);
  session.onChange(() => drawSound());
  return { draw };
}

/** @param {EventTarget | null} target of a key @returns {boolean} whether it is meant for the picture */
function atStage(target) {
  return document.fullscreenElement !== null || (target instanceof Node && byId('stage').contains(target));
}

/** @param {Programme} programme */
function drawPlay(programme) {
  const { paused } = programme;
  const word = paused ? 'Play' : 'Pause';
  byId('play').dataset.paused = String(paused);
  setAttribute(byId('play'), 'aria-label', word);
  setAttribute(byId('play'), 'title', `${word} (space)`);
  show(byId('big-play'), paused);
  show(byId('spinner'), !paused && programme.isSeeking && !programme.isLost); // a card tells of what is lost
}

/** The sizes to choose from, by whichever way the programme comes. @param {Programme} programme @param {HTMLSelectElement} quality */
function drawQuality(programme, quality) {
  const sizes = programme.qualities;
  show(byId('quality-field'), sizes.length > 1);
  if (sizes.length < 2 || document.activeElement === quality) return;
  keyed(
    quality,
    ['auto', ...sizes],
    (size) => size,
    (size) => el('option', { value: size }),
    (node, size) => setText(node, size === 'auto' ? 'Auto' : size),
  );
  if (quality.value !== programme.quality) quality.value = programme.quality;
}

/** @param {Programme} programme */
async function toggleFullscreen(programme) {
  if (document.fullscreenElement) return document.exitFullscreen();
  // iPhones have full screen for the video element only.
  const video = /** @type {HTMLVideoElement & {webkitEnterFullscreen?: () => void}} */ (programme.player.video);
  if (byId('stage').requestFullscreen) return byId('stage').requestFullscreen();
  video.webkitEnterFullscreen?.();
}
