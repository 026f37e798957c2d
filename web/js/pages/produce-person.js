/** More about one person: level on air, readiness, a message, and the way out of the show. */

import { byId, need, setAttribute, setText, show } from '../dom.js';
import { onNow, personById } from '../rundown.js';
import { presence } from '../words.js';

/** @typedef {import('../types.js').Show} Show @typedef {{type: string, [field: string]: unknown}} Command */

/** The level is sent at most this often while the slider moves, ms. */
const LEVEL_EVERY = 150;

export class PersonDialog {
  #dialog = need('person', HTMLDialogElement);
  #gain = need('person-gain', HTMLInputElement);
  #id = '';
  #armed = false;
  #timer = 0;

  /** @param {{show: () => Show | null, say: (command: Command) => void, write: (id: string) => void}} desk `write`: begin a message to them */
  constructor(desk) {
    this.desk = desk;
    byId('person-close').addEventListener('click', () => this.#dialog.close());
    byId('person-mute').addEventListener('click', () => this.mute(this.#id));
    byId('person-ready').addEventListener('click', () => this.desk.say({ type: 'ready', person: this.#id, ready: byId('person-ready').getAttribute('aria-pressed') !== 'true' }));
    byId('person-write').addEventListener('click', () => {
      this.#dialog.close();
      this.desk.write(this.#id);
    });
    byId('person-remove').addEventListener('click', () => this.#remove());
    byId('person-keep').addEventListener('click', () => this.#arm(false));
    byId('person-admit').addEventListener('click', () => this.desk.say({ type: 'admit', person: this.#id }));
    byId('person-zero').addEventListener('click', () => this.#level(0));
    this.#gain.addEventListener('input', () => {
      setText(byId('person-gain-value'), decibels(Number(this.#gain.value)));
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#level(Number(this.#gain.value)), LEVEL_EVERY);
    });
  }

  /** @param {string} id person */
  open(id) {
    this.#id = id;
    this.#arm(false);
    this.#gain.value = String(this.#person()?.level?.gain_db ?? 0);
    this.draw();
    this.#dialog.showModal();
  }

  /** @param {string} id of the person whose microphone is closed or opened */
  mute(id) {
    const event = this.desk.show();
    const muted = event ? personById(event, id)?.level?.muted ?? false : false;
    this.desk.say({ type: 'level', person: id, muted: !muted });
  }

  draw() {
    const person = this.#person();
    const event = this.desk.show();
    if (!person || !event) return;
    const onAir = onNow(event)?.speakers.includes(person.id) ?? false;
    setText(byId('person-name'), person.name);
    const how = presence(person);
    setText(byId('person-state'), how.words);
    byId('person-state').dataset.tone = how.tone;
    const muted = person.level?.muted ?? false;
    setAttribute(byId('person-mute'), 'aria-pressed', String(muted));
    setText(byId('person-mute'), muted ? 'Muted' : 'Mute');
    const ready = person.ready ?? false;
    setAttribute(byId('person-ready'), 'aria-pressed', String(ready));
    setText(byId('person-ready'), ready ? 'Ready \u2713' : 'Say that they are ready');
    show(byId('person-ready'), person.state !== 'absent' && person.state !== 'on_air');
    if (document.activeElement !== this.#gain) this.#gain.value = String(person.level?.gain_db ?? 0);
    setText(byId('person-gain-value'), decibels(Number(this.#gain.value)));
    show(byId('person-admit'), person.removed ?? false);
    show(byId('person-remove'), !person.removed);
    show(byId('person-keep'), this.#armed && !person.removed);
    setText(byId('person-remove'), this.#armed ? 'Yes, remove' : 'Remove from the show');
    const warning = `${person.name} is cut off at once${onAir ? ', although on air' : ''}, and their link opens nothing until you let them in again.`;
    setText(byId('person-warning'), person.removed ? 'Their link opens nothing.' : this.#armed ? warning : '');
  }

  #person() {
    const event = this.desk.show();
    return event ? personById(event, this.#id) : null;
  }

  /** @param {number} gain dB */
  #level(gain) {
    this.#gain.value = String(gain);
    this.desk.say({ type: 'level', person: this.#id, gain_db: gain });
    this.draw();
  }

  /** Two presses, because it cannot be unsaid to the person. */
  #remove() {
    if (!this.#armed) return this.#arm(true);
    this.desk.say({ type: 'remove', person: this.#id });
    this.#arm(false);
  }

  /** @param {boolean} armed */
  #arm(armed) {
    this.#armed = armed;
    this.draw();
    if (armed) byId('person-keep').focus();
  }
}

/** @param {number} gain @returns {string} */
function decibels(gain) {
  return `${gain > 0 ? '+' : gain < 0 ? '\u2212' : ''}${Math.abs(gain)} dB`;
}
