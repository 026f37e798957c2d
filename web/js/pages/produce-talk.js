/** The form of a talk: its title, length, start, layout, people; and adding and leaving out. */

import { byId, el, formDialog, need, setText, show } from '../dom.js';
import { addition, changes, formOf, movable } from '../edits.js';
import { speakersInOrder } from '../comms.js';
import { onNow, personById, talkById } from '../rundown.js';

/** @typedef {import('../types.js').Show} Show */

/** The form of a new talk. @type {import('../edits.js').Form} */
const EMPTY = { title: '', minutes: 10, start: '', layout: 'full', automatic: false, speakers: [], clip: '' };

export class TalkForm {
  #dialog = formDialog('talk', () => this.#save());
  #id = /** @type {string | null} */ (null);
  #opened = EMPTY;

  /** @param {{show: () => Show | null, clips: () => string[], say: (edit: import('../edits.js').Edit) => void}} desk */
  constructor(desk) {
    this.desk = desk;
    byId('talk-skip').addEventListener('click', () => {
      if (this.#id) this.desk.say({ type: 'edit', do: 'skip', talk: this.#id });
      this.#dialog.close();
    });
  }

  /** @param {string | null} id of the talk; null for a new one */
  open(id) {
    const event = this.desk.show();
    if (!event) return;
    const talk = talkById(event, id);
    if (id !== null && !talk) return;
    this.#id = id;
    const form = talk ? formOf(talk) : EMPTY;
    this.#opened = form;
    const free = !talk || movable(event, talk);
    setText(byId('talk-heading'), talk ? 'Edit the talk' : 'Add a talk');
    need('talk-name', HTMLInputElement).value = form.title;
    need('talk-minutes', HTMLInputElement).value = String(form.minutes);
    need('talk-start', HTMLInputElement).value = form.start;
    need('talk-layout', HTMLSelectElement).value = form.layout;
    need('talk-automatic', HTMLInputElement).checked = form.automatic;
    need('talk-start', HTMLInputElement).disabled = need('talk-layout', HTMLSelectElement).disabled = !free;
    need('talk-minutes', HTMLInputElement).disabled = talk?.state === 'done';
    show(byId('talk-who'), !talk);
    show(byId('talk-skip'), talk !== null && free && talk.state !== 'skipped');
    setText(byId('talk-note'), talk && talk === onNow(event) ? 'It is on air: its layout is changed beside TAKE, its start has been.' : '');
    if (!talk) this.#people(event);
    setText(byId('talk-save'), talk ? 'Save' : 'Add');
    this.#dialog.showModal();
    need('talk-name', HTMLInputElement).select();
  }

  /** Who may give the new talk. @param {Show} event */
  #people(event) {
    const everybody = [...new Set([...speakersInOrder(event), ...event.people.filter((person) => person.role === 'speaker').map((person) => person.id)])];
    const box = (/** @type {string} */ id, /** @type {string} */ text, /** @type {string} */ kind) =>
      el('label', { class: 'check' }, el('input', { type: 'checkbox', value: id, 'data-kind': kind }), text);
    byId('talk-people').replaceChildren(
      ...everybody.map((id) => box(id, personById(event, id)?.name ?? id, 'person')),
      ...this.desk.clips().map((id) => box(id, `Clip: ${id}`, 'clip')),
    );
  }

  /** @param {'person' | 'clip'} kind @returns {string[]} */
  #picked(kind) {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (byId('talk-people').querySelectorAll(`input[data-kind="${kind}"]:checked`))].map(({ value }) => value);
  }

  #save() {
    const event = this.desk.show();
    if (!event) return;
    const form = {
      title: need('talk-name', HTMLInputElement).value,
      minutes: Number(need('talk-minutes', HTMLInputElement).value),
      start: need('talk-start', HTMLInputElement).value,
      layout: need('talk-layout', HTMLSelectElement).value,
      automatic: need('talk-automatic', HTMLInputElement).checked,
      speakers: this.#picked('person'),
      clip: this.#picked('clip')[0] ?? '',
    };
    const talk = talkById(event, this.#id);
    if (!talk && form.speakers.length === 0 && !form.clip) return setText(byId('talk-note'), 'Choose who gives it, or a clip.');
    const edits = talk ? changes(event, talk, this.#opened, form) : [addition(event, form)];
    edits.forEach((edit) => this.desk.say(edit));
    this.#dialog.close();
  }
}
