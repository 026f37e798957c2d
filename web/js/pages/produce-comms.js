/** Talkback, text cues and the log of who did what, on the producer's desk. */

import { ackWords, addressed, PHRASES, recipients, speakersInOrder, talkbackWords, toWords } from '../comms.js';
import { holdable } from '../components/hold.js';
import { byId, el, keyed, need, setAttribute, setText, show } from '../dom.js';
import { moveKey, moveWords } from '../moves.js';
import { personById } from '../rundown.js';
import { Talkback } from '../talkback.js';
import { clock } from '../time.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Show} Show */

/** Text cues and moves listed; the newest are on top. */
const NOTES = 6;
const MOVES = 20;

export class Comms {
  /** @param {import('../session.js').Session} session @param {() => void} redraw */
  constructor(session, redraw) {
    this.session = session;
    this.talkback = new Talkback({
      pass: session.pass,
      say: (on, to) => session.command({ type: 'talkback', on, ...(to ? { to } : {}) }),
      onChange: redraw,
    });
    this.to = need('note-to', HTMLSelectElement);
    this.text = need('note-text', HTMLInputElement);
    holdable(byId('voice-one'), (held) => this.hold(held ? this.to.value : null));
    holdable(byId('voice-all'), (held) => this.hold(held ? 'all' : null));
    byId('note').addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.write(this.text.value)) return;
      this.text.value = '';
      this.text.blur(); // so that the space bar takes again
    });
    this.to.addEventListener('change', redraw);
    for (const phrase of PHRASES) {
      const button = el('button', { class: 'chip', type: 'button' }, phrase);
      button.addEventListener('click', () => this.write(phrase));
      byId('note-phrases').append(button);
    }
    // A key or button that comes up elsewhere is never seen to come up.
    for (const lost of ['blur', 'pagehide']) addEventListener(lost, () => this.talkback.release());
    document.addEventListener('visibilitychange', () => this.talkback.release());
  }

  /** Speaks, or falls silent. @param {string | null} choice of recipients; null: nobody */
  hold(choice) {
    const event = this.session.state.show;
    const to = choice === null || !event ? null : addressed(event, choice);
    if (to === null) this.talkback.release();
    else void this.talkback.hold(to);
  }

  /** @param {string} text @returns {boolean} whether it was sent */
  write(text) {
    const event = this.session.state.show;
    const words = text.trim();
    if (!event || !words) return false;
    const to = addressed(event, this.to.value);
    if (to === null) return false;
    this.session.command({ type: 'message', to, text: words });
    return true;
  }

  /** Begins a text cue. @param {string} [id] to this person */
  begin(id) {
    if (id !== undefined) this.to.value = id;
    this.text.focus();
  }

  /** @param {State} state */
  draw(state) {
    const event = state.show;
    if (!event) return;
    this.#drawRecipients(event);
    this.#drawTalkback(event, state.you?.id ?? '');
    drawNotes(event);
    drawMoves(event);
  }

  /** @param {Show} event */
  #drawRecipients(event) {
    const next = toWords(event, recipients(event, 'next')) || 'nobody';
    const options = [
      { id: 'next', name: `${event.standby || next === 'nobody' ? 'Next' : 'On air'}: ${next}` },
      { id: 'stage', name: 'On air and next' },
      { id: 'all', name: 'All speakers' },
      ...speakersInOrder(event).map((id) => ({ id, name: personById(event, id)?.name ?? id })),
    ];
    keyed(this.to, options, ({ id }) => id, ({ id }) => el('option', { value: id }), (node, { name }) => setText(node, name));
  }

  /** @param {Show} event @param {string} me */
  #drawTalkback(event, me) {
    const { state, trouble } = this.talkback;
    const to = recipients(event, this.to.value);
    const speaking = talkbackWords(event, me);
    byId('voice').dataset.state = state;
    setText(byId('voice-one-name'), to.length === 0 ? 'nobody is there' : toWords(event, to));
    setAttribute(byId('voice-one'), 'aria-disabled', to.length === 0 ? 'true' : null);
    for (const id of ['voice-one', 'voice-all']) setAttribute(byId(id), 'aria-pressed', String(state === 'live' || state === 'opening'));
    const words = trouble || (state === 'opening' ? this.talkback.waiting : speaking.join('. '));
    setText(byId('voice-state'), words || 'Nobody speaks to speakers');
    byId('voice-state').dataset.tone = trouble ? 'bad' : state === 'live' ? 'live' : '';
  }
}

/** The last text cues, and who has read them. @param {Show} event */
function drawNotes(event) {
  const notes = [...(event.messages ?? [])].reverse().slice(0, NOTES);
  show(byId('notes'), notes.length > 0);
  keyed(
    byId('notes'),
    notes,
    (note) => note.id,
    () => el('li', {}, el('span', { class: 'number muted' }), el('span', {}, el('strong'), el('span', { class: 'muted' })), el('span', { class: 'note-read' })),
    (node, note) => {
      const [time, what, read] = /** @type {HTMLElement[]} */ ([...node.children]);
      const said = ackWords(event, note);
      node.dataset.note = note.id;
      setText(time, clock(note.at));
      setText(/** @type {Node} */ (what.firstChild), note.text);
      setText(/** @type {Node} */ (what.lastChild), ` to ${toWords(event, note.to)}`);
      setText(read, said.words);
      read.dataset.tone = said.tone;
    },
  );
}

/** @param {Show} event */
function drawMoves(event) {
  const moves = [...(event.moves ?? [])].reverse().slice(0, MOVES);
  show(byId('moves-none'), moves.length === 0);
  keyed(
    byId('moves'),
    moves,
    moveKey,
    () => el('li', {}, el('span', { class: 'number muted' }), el('span', {}, el('strong'), el('span'))),
    (node, move) => {
      const [time, what] = /** @type {HTMLElement[]} */ ([...node.children]);
      const { by, words } = moveWords(event, move);
      setText(time, clock(move.at));
      setText(/** @type {Node} */ (what.firstChild), by);
      setText(/** @type {Node} */ (what.lastChild), ` ${words}`);
    },
  );
}
