/** The viewer's page: what the system shows and its keys do (Media Session), and the picture in a window of its own. */

import { byId, show } from '../dom.js';
import { after, before, place } from '../timeline.js';

/** @typedef {import('../programme.js').Programme} Programme @typedef {import('../timeline.js').Chapter} Chapter */

const STEP = 10_000; // ms, where the system does not say how far

/** @param {Programme} programme @param {() => Chapter[]} chapters */
export function wireMedia(programme, chapters) {
  let told = '';
  let kept = false;
  wirePicture(programme);
  const { mediaSession } = navigator;
  /** @param {number | null} date */
  const jump = (date) => {
    if (date !== null && kept) programme.seek(date);
  };
  /** @type {[MediaSessionAction, MediaSessionActionHandler][]} */
  const actions = [
    ['play', () => programme.pause(false)],
    ['pause', () => kept && programme.pause(true)],
    ['seekbackward', (details) => jump(programme.date - (details.seekOffset ?? STEP / 1000) * 1000)],
    ['seekforward', (details) => jump(programme.date + (details.seekOffset ?? STEP / 1000) * 1000)],
    ['previoustrack', () => jump(before(chapters(), programme.date))],
    ['nexttrack', () => jump(after(chapters(), programme.date))],
  ];
  for (const [action, act] of mediaSession ? actions : []) {
    try {
      mediaSession.setActionHandler(action, act);
    } catch {
      // An older browser knows fewer keys.
    }
  }

  /**
   * @param {import('../watching.js').Watching} view @param {import('../types.js').Show} state
   * @param {import('../timeline.js').Extent | null} whole @param {number} date
   */
  function draw(view, state, whole, date) {
    if (!mediaSession) return;
    kept = whole !== null;
    mediaSession.playbackState = programme.paused ? 'paused' : 'playing';
    const { title, who } = view.now;
    const now = JSON.stringify([title, who]);
    if (now !== told) {
      told = now;
      mediaSession.metadata = new MediaMetadata({ title, artist: who, album: state.event.name, artwork: [{ src: '/icon.svg', type: 'image/svg+xml', sizes: 'any' }] });
    }
    if (!whole || !mediaSession.setPositionState) return;
    const length = (whole.to - whole.from) / 1000;
    mediaSession.setPositionState({ duration: length, position: length * place(whole, date), playbackRate: programme.rate });
  }
  return { draw };
}

/** Picture in picture, which follows when the picture comes another way. @param {Programme} programme */
function wirePicture(programme) {
  show(byId('pip'), document.pictureInPictureEnabled === true);
  byId('pip').addEventListener('click', () => {
    const left = document.pictureInPictureElement ? document.exitPictureInPicture() : programme.player.video.requestPictureInPicture();
    left.catch(() => undefined); // refused before there is a picture
  });
  programme.addEventListener('change', () => {
    const inside = document.pictureInPictureElement;
    const { video } = programme.player;
    if (inside && inside !== video && inside instanceof HTMLVideoElement && video.readyState > 1) video.requestPictureInPicture().catch(() => undefined);
  });
}
