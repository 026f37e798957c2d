/**
 * The pavilion's wall: the programme full screen, for days, with nobody at the keyboard.
 *
 * It reconnects for ever, also from a picture that stands still, keeps the display awake, and shows a
 * card instead of a broken page while the server is away.
 */

import { updateHeader } from '../components/header.js';
import { Player } from '../components/player.js';
import { byId, need, setText, show } from '../dom.js';
import { Watcher } from '../media.js';
import { namesOf, onNow, upNext } from '../rundown.js';
import { Session } from '../session.js';
import { clock } from '../time.js';

/** Without a new picture for this long the card is shown, ms. */
const DARK_AFTER = 2500;

/** Without a presented picture for this long, although the connection looks well, the page joins anew, ms. */
const REJOIN_AFTER = 5000;

/** A screen that was refused asks again this often, ms: nobody is there to reload it when the organiser lets it in. */
const ASK_EVERY = 60_000;

/** A page whose media fails for this long starts itself anew: a browser that runs for days may lose its decoder, ms. */
const RELOAD_AFTER = 120_000;

const session = new Session('screen');
const player = need('player', Player);
const watcher = new Watcher({
  path: '/whep',
  pass: session.pass,
  patient: true,
  freezeAfter: 3000,
  onStream: (stream) => player.attach(stream),
  onStatus: ({ state }) => {
    document.body.dataset.media = state;
    if (state === 'connecting') player.tuning();
  },
});

const opened = performance.now();
let rejoined = 0;
let asked = 0;

function watchPicture() {
  const now = performance.now();
  const still = now - (player.lastPicture || opened);
  const dark = player.lastPicture === 0 || still > DARK_AFTER;
  byId('card').dataset.shown = String(dark);
  byId('card').setAttribute('aria-hidden', String(!dark));
  if (dark) drawCard();
  if (document.visibilityState !== 'visible') return;
  if (still > REJOIN_AFTER && watcher.status.state === 'connected' && now - rejoined > REJOIN_AFTER) {
    rejoined = now;
    watcher.restart('the picture stands still');
  }
  void askAgain();
  // Only with the server in reach: otherwise the reload would end on the browser's own error page.
  if (still > RELOAD_AFTER && session.state.link === 'open' && now - opened > RELOAD_AFTER) location.reload();
}

/** After the server's last word (removed, a pass refused) only a new page can begin anew. */
async function askAgain() {
  const now = performance.now();
  if (session.state.link !== 'ended' || now - asked < ASK_EVERY) return;
  const first = asked === 0;
  asked = now;
  // Only with the server in reach: otherwise the reload would end on the browser's own error page.
  if (!first && (await fetch('/healthz').catch(() => null))?.ok) location.reload();
}

function drawCard() {
  const state = session.state.show;
  setText(byId('card-clock'), clock(session.now()));
  setText(byId('card-word'), wordFor());
  if (!state) return;
  setText(byId('card-name'), state.event.name);
  setText(byId('card-subtitle'), [state.event.subtitle, state.event.place].filter(Boolean).join(' \u00b7 '));
  const talk = onNow(state) ?? (state.phase === 'over' ? null : upNext(state));
  show(byId('card-next'), talk !== null);
  if (!talk) return;
  setText(/** @type {Node} */ (byId('card-next').firstElementChild), onNow(state) ? 'On now' : 'Next');
  setText(byId('card-title'), talk.title);
  setText(byId('card-who'), namesOf(state, talk));
}

/** @returns {string} */
function wordFor() {
  if (session.state.bye?.code.startsWith('pass_')) return 'This screen\u2019s link is not valid: please ask the organiser';
  if (watcher.status.code === 'no_usable_codec') return 'This browser has no H264 video: please use Chrome or Edge (no_usable_codec)';
  if (session.state.show?.phase === 'over') return 'Thank you for being with us';
  return 'The programme continues in a moment';
}

/** Keeps the display from sleeping; the browser drops the lock whenever the page is hidden. */
async function stayAwake() {
  if (document.visibilityState !== 'visible' || !navigator.wakeLock) return;
  // Refused on battery saving or without https; the kiosk's own settings then decide.
  await navigator.wakeLock.request('screen').catch(() => undefined);
}

document.addEventListener('visibilitychange', () => void stayAwake());
player.addEventListener('sound', () => show(byId('hint'), player.dataset.sound === 'refused'));
addEventListener('dblclick', () => void document.documentElement.requestFullscreen?.());
session.onChange(updateHeader);
session.onNewServer((age) => watcher.renew(age));
session.reportWith(() => ({ ...watcher.summary, ...player.stats(), starts: watcher.starts, up_s: Math.round((performance.now() - opened) / 1000) }));
session.start();
watcher.start();
void stayAwake();
setInterval(watchPicture, 250);
watchPicture();
