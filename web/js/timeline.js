/** (P) The rewind bar: which stretch it covers, where a moment lies on it, its chapters, and words for them. */

import { clock, duration } from './time.js';

/**
 * @typedef {{id: string, talk: string, title: string, speakers: {id: string, name: string}[], start: number, end: number | null}} Chapter epoch ms
 * @typedef {{from: number, to: number}} Extent epoch ms
 * @typedef {{time: number, date: number, length: number}} Piece a stretch of the media, `time` and `length` in s, that plays `date` (epoch ms)
 * @typedef {{now: number, state: string, chapters: Chapter[], rewind?: {from: number} | null}} Told what GET /api/chapters says
 */

/** A press this near to the start of a chapter means that start, as a share of the bar. */
export const SNAP = 0.006;

/** Nearer to the live edge than this is live, ms. */
export const AT_EDGE = 4000;

/** Before the first talk this much is still on the bar, ms. */
const LEAD = 15_000;

/** Going back within this of a chapter's start means the chapter before, ms. */
const AGAIN = 5000;

/** Dates that differ by less than this from what the time says are one stretch, ms. */
const JITTER = 80;

/**
 * The stretches of a playlist, whose segments follow one another in media time but, over a restart of the server,
 * not always by date.
 *
 * @param {Iterable<{start: number, duration: number, programDateTime: number | null}>} segments @returns {Piece[]}
 */
export function pieces(segments) {
  const found = /** @type {Piece[]} */ ([]);
  for (const { start, duration: length, programDateTime: date } of segments) {
    const last = found.at(-1);
    if (date === null) {
      if (last) last.length = start + length - last.time;
    } else if (last && Math.abs(last.date + (start - last.time) * 1000 - date) < JITTER) {
      last.length = start + length - last.time;
    } else {
      found.push({ time: start, date, length });
    }
  }
  return found;
}

/** @param {Piece[]} all @param {number} time s @returns {number | null} epoch ms */
export function dateAt(all, time) {
  const piece = all.findLast((one) => one.time <= time + 0.001) ?? all[0];
  return piece ? piece.date + (time - piece.time) * 1000 : null;
}

/** A date that was never on air means the next that was. @param {Piece[]} all @param {number} date epoch ms @returns {number | null} s */
export function timeAt(all, date) {
  const piece = all.find((one) => date < one.date + one.length * 1000) ?? all.at(-1);
  return piece ? piece.time + Math.max(0, (date - piece.date) / 1000) : null;
}

/**
 * What the bar covers: from shortly before the first talk, as far as it is kept, until now, or until the end of
 * the last talk once all are over. Null while there is nothing to go back to.
 *
 * @param {Told | null} told @param {number} now epoch ms @returns {Extent | null}
 */
export function extent(told, now) {
  if (!told?.rewind || told.chapters.length === 0) return null;
  const kept = told.chapters.filter((chapter) => (chapter.end ?? now) > (told.rewind?.from ?? 0));
  if (kept.length === 0) return null;
  const from = Math.max(told.rewind.from, kept[0].start - LEAD);
  const to = told.state === 'over' ? (kept[kept.length - 1].end ?? now) : now;
  return to - from > 1000 ? { from, to } : null;
}

/** @param {Extent} whole @param {number} date epoch ms @returns {number} 0 to 1 */
export function place({ from, to }, date) {
  return Math.min(1, Math.max(0, (date - from) / (to - from)));
}

/** @param {Extent} whole @param {number} share 0 to 1 @param {Chapter[]} chapters whose starts attract @returns {number} epoch ms */
export function moment(whole, share, chapters) {
  const near = chapters.find((chapter) => chapter.start >= whole.from && Math.abs(place(whole, chapter.start) - share) <= SNAP);
  return near ? near.start : whole.from + Math.min(1, Math.max(0, share)) * (whole.to - whole.from);
}

/**
 * The chapters as strips of the bar, and what lies between them.
 *
 * @param {Extent} whole @param {Chapter[]} chapters
 * @returns {{key: string, chapter: Chapter | null, left: number, width: number}[]} shares of the bar
 */
export function strips(whole, chapters) {
  const made = [];
  let at = 0;
  for (const chapter of chapters) {
    const left = Math.max(at, place(whole, chapter.start));
    const right = place(whole, chapter.end ?? whole.to);
    if (right <= left) continue;
    if (left > at) made.push({ key: `before ${chapter.id}`, chapter: null, left: at, width: left - at });
    made.push({ key: chapter.id, chapter, left, width: right - left });
    at = right;
  }
  if (at < 1) made.push({ key: 'rest', chapter: null, left: at, width: 1 - at });
  return made;
}

/** @param {Chapter[]} chapters @param {number} date epoch ms @returns {Chapter | null} what is on at that moment */
export function chapterAt(chapters, date) {
  return chapters.findLast((chapter) => chapter.start <= date && (chapter.end === null || date < chapter.end)) ?? null;
}

/** @param {Chapter[]} chapters @param {string} talk @returns {Chapter | null} the last time that this talk was on air */
export function chapterOf(chapters, talk) {
  return chapters.findLast((chapter) => chapter.talk === talk) ?? null;
}

/** @param {Chapter[]} chapters @param {number} date epoch ms @returns {number | null} the start of this chapter, or of the one before */
export function before(chapters, date) {
  return chapters.findLast((chapter) => chapter.start < date - AGAIN)?.start ?? chapters[0]?.start ?? null;
}

/** @param {Chapter[]} chapters @param {number} date epoch ms @returns {number | null} the start of the next chapter */
export function after(chapters, date) {
  return chapters.find((chapter) => chapter.start > date + 500)?.start ?? null;
}

/** @param {{speakers: {name: string}[]} | null} chapter @returns {string} */
export function names(chapter) {
  return chapter?.speakers.map((speaker) => speaker.name).join(', ') ?? '';
}

/** @param {number} ms behind live @returns {string} "12:34 behind live" */
export function behind(ms) {
  return ms < AT_EDGE ? 'Live' : `${duration(ms)} behind live`;
}

/**
 * A moment for those who cannot see the bar.
 *
 * @param {Extent} whole @param {number} date epoch ms @param {Chapter[]} chapters @param {boolean} over @returns {string}
 */
export function spoken(whole, date, chapters, over) {
  const chapter = chapterAt(chapters, date);
  const where = over ? clock(date) : behind(whole.to - date);
  return [where, chapter?.title, names(chapter)].filter(Boolean).join(', ');
}

/** The thumbnail of a moment: the last one made before it. @param {{url: string, every: number} | null | undefined} thumbs @param {number} date epoch ms @returns {string | null} */
export function thumbnail(thumbs, date) {
  if (!thumbs) return null;
  const seconds = Math.floor(date / 1000 / thumbs.every) * thumbs.every;
  return thumbs.url.replace('{time}', String(seconds));
}
