/** The viewer's page: the programme live or from the recording, its talks as chapters, and the agenda in the viewer's own time. */

import '../components/agenda.js';
import '../components/player.js';
import { ChapterList } from '../chapters.js';
import { updateHeader } from '../components/header.js';
import { Player } from '../components/player.js';
import { announce, byId, need } from '../dom.js';
import { Programme } from '../programme.js';
import { Session } from '../session.js';
import { chapterOf, extent } from '../timeline.js';
import { cardOver, watching } from '../watching.js';
import { wireBar } from './watch-bar.js';
import { wireMedia } from './watch-media.js';
import { drawAgenda, drawChapters, drawCurtain, drawNow, wireView } from './watch-view.js';

/** @typedef {import('../state.js').State} State */

const session = new Session('watch');
const player = need('player', Player);
const replay = need('replay', Player);
const programme = new Programme({ live: player, replay, pass: session.pass, now: () => session.now() });
const chapters = new ChapterList(session.pass, draw);

/** What the parts of the page draw from. @typedef {ReturnType<typeof look>} Look */
function look() {
  const { show } = session.state;
  const now = session.now();
  const { told } = chapters;
  const list = told?.chapters ?? [];
  programme.oldest = told?.rewind?.from ?? null;
  const whole = programme.canRewind ? extent(told, now) : null;
  const over = show?.phase === 'over';
  return {
    show,
    now,
    list,
    whole,
    over,
    thumbs: told?.thumbs,
    date: programme.date,
    view: show && watching(show, list, programme.isLive, programme.date, now),
  };
}

const bar = wireBar(programme, session, draw);
const media = wireMedia(programme, () => chapters.told?.chapters ?? []);
wireView((talk) => {
  const chapter = chapterOf(chapters.told?.chapters ?? [], talk);
  if (!chapter) return;
  play(chapter.start);
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  byId('stage').scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
});

/** @param {number} date epoch ms */
function play(date) {
  programme.pause(false);
  programme.seek(date);
}

/** What the agenda was drawn from last: no clock is in it, and several times a second would be much for all its rows. */
let drawn = /** @type {unknown[]} */ ([]);

function draw() {
  const seen = look();
  drawCard();
  bar.draw(seen);
  if (!seen.show || !seen.view) return;
  document.body.dataset.phase = seen.show.phase;
  document.body.dataset.mode = seen.view.mode;
  drawNow(seen.view, seen.now);
  drawCurtain(seen.show, seen.view, seen.now, programme, seen.whole);
  const from = [seen.show, chapters.told, seen.whole !== null];
  if (from.some((part, n) => part !== drawn[n])) drawAgenda(seen.show, seen.list, seen.whole);
  drawn = from;
  if (!byId('chapters').hidden) drawChapters(seen.list, seen.whole, seen.date, play);
  media.draw(seen.view, seen.show, seen.whole, seen.date);
}

/** The card lies in the player that is seen: the other one is hidden with all that is in it. */
function drawCard() {
  const { status } = programme.watcher;
  document.body.dataset.media = status.state;
  document.body.dataset.way = programme.shown ?? 'none';
  const over = programme.player;
  const under = over === player ? replay : player;
  under.card(null);
  over.card(cardOver(session.state.bye, programme, status));
}

/** @param {State} state @param {State} before */
function update(state, before) {
  updateHeader(state);
  if (state.bye?.code.startsWith('pass_')) programme.stop();
  if (state.show) chapters.update(state.show);
  draw();
  if (!state.show || !before.show) return;
  const headline = watching(state.show, [], true, 0, 0).headline;
  if (watching(before.show, [], true, 0, 0).headline !== headline) announce(headline);
}

programme.addEventListener('change', draw);
session.onChange(update);
session.onNewServer((age) => programme.watcher.renew(age));
session.reportWith(() => programme.stats());
session.start();
programme.start();
