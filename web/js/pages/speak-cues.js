/** Draws what reaches a speaker from the producer: the clock, text cues, talkback, a closed microphone. */

import { announce, byId, el, keyed, setText, show } from '../dom.js';
import { clockOf, openCues, spoken } from '../cues.js';
import { clock, duration } from '../time.js';

/** @typedef {import('../state.js').State} State @typedef {import('../components/tally.js').Light} Light */

export class CueView {
  #before = /** @type {import('../cues.js').Clock} */ (null);

  /** @param {(message: string) => void} acknowledge called with the id of a text cue */
  constructor(acknowledge) {
    this.acknowledge = acknowledge;
  }

  /** The big clock; said aloud at its moments. @param {State} state @param {number} now server @param {Light} tally @param {boolean} joined */
  tick(state, now, tally, joined) {
    const reading = state.show && joined ? clockOf(state.show, now, tally) : null;
    const banner = byId('tally');
    show(byId('clock'), reading !== null);
    banner.dataset.time = reading?.mood ?? 'none';
    const words = spoken(this.#before, reading);
    this.#before = reading;
    if (words) announce(words);
    if (!reading) return;
    setText(byId('clock-label'), reading.label);
    setText(byId('clock-time'), reading.mood === 'over' ? `+${duration(reading.ms)}` : duration(reading.ms));
    byId('progress').style.setProperty('--done', String(reading.done));
  }

  /** @param {State} state */
  draw(state) {
    const { show: event } = state;
    const cues = event ? openCues(event) : [];
    keyed(
      byId('cues'),
      cues,
      (cue) => cue.id,
      (cue) => {
        const button = el('button', { class: 'button primary big', 'data-ack': cue.id }, 'Got it');
        button.addEventListener('click', () => this.acknowledge(cue.id));
        return el('li', { class: 'cue' }, el('div', {}, el('p', { class: 'cue-text' }, cue.text), el('p', { class: 'cue-by' }, `${cue.by}, ${clock(cue.at)}`)), button);
      },
      (node, cue) => {
        const waits = Object.values(state.pending).some(({ command }) => command.type === 'ack' && command.message === cue.id);
        /** @type {HTMLButtonElement} */ (node.lastChild).disabled = waits;
      },
    );
  }

  /** The newest cue is read. @param {State} state */
  acknowledgeNewest(state) {
    const [newest] = state.show ? openCues(state.show) : [];
    if (newest) this.acknowledge(newest.id);
  }
}

/**
 * Who is speaking in the ear, and whether that can be heard.
 *
 * @param {State} state @param {boolean} sounding whether the return sounds
 */
export function drawTalkback(state, sounding) {
  const voices = state.show?.you?.talkback ?? [];
  document.body.dataset.talkback = voices.length === 0 ? '' : sounding ? 'heard' : 'silent';
  show(byId('talkback'), voices.length > 0);
  setText(byId('talkback-word'), voices.length === 0 ? '' : `${voices.join(' and ')} ${voices.length === 1 ? 'speaks' : 'speak'} to you${sounding ? '. Only you hear it.' : ', but your sound is off.'}`);
  show(byId('talkback-listen'), voices.length > 0 && !sounding);
}
