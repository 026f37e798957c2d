/** What is to be on air again: the list of it, and the dialog that asks for more. */

import { bothClocks } from '../components/header.js';
import { byId, el, formDialog, keyed, need, setText, show } from '../dom.js';
import { planFault } from '../recordings.js';
import { isAgain } from '../rundown.js';
import { atZone, ownZone, shortDay, zoneName } from '../time.js';

/** @typedef {import('../types.js').Show} Show @typedef {import('../types.js').Reair} Reair */

export class Reairs {
  #dialog = formDialog('again', () => this.#ask());
  #what = need('again-what', HTMLSelectElement);
  #when = need('again-when', HTMLInputElement);
  #zone = need('again-zone', HTMLSelectElement);
  #loop = need('again-loop', HTMLInputElement);

  /** @param {{show: () => Show | null, now: () => number, say: (command: {type: string, [field: string]: unknown}) => void}} desk */
  constructor(desk) {
    this.desk = desk;
    byId('kept-again').addEventListener('click', () => this.#open());
    byId('again-form').addEventListener('input', () => this.#when.setCustomValidity(''));
  }

  draw() {
    const event = this.desk.show();
    const plans = event?.reairs ?? [];
    show(byId('kept-plans'), plans.length > 0);
    keyed(byId('kept-plans'), plans, ({ id }) => id, () => this.#row(), (node, plan) => event && this.#update(node, plan, event));
    show(byId('kept-again'), over(event).length > 0);
  }

  #open() {
    const event = this.desk.show();
    if (!event) return;
    // What was planned last time is no proposal for the next.
    need('again-form', HTMLFormElement).reset();
    this.#when.setCustomValidity('');
    const zones = [...new Set([event.event.timezone, ownZone(), 'UTC'])];
    this.#zone.replaceChildren(...zones.map((zone) => el('option', { value: zone }, zoneName(zone))));
    const talks = over(event).map((talk) => el('option', { value: talk.id }, talk.title));
    this.#what.replaceChildren(el('option', { value: 'event' }, 'Everything'), ...talks);
    this.#dialog.showModal();
  }

  #ask() {
    const at = this.#when.value ? atZone(this.#when.value, this.#zone.value) : null;
    this.#when.setCustomValidity(planFault(at, this.#loop.checked, this.desk.now()));
    if (!this.#when.reportValidity()) return;
    this.desk.say({ type: 'reair', what: this.#what.value, at, loop: this.#loop.checked });
    this.#dialog.close();
  }

  #row() {
    const cancel = el('button', { class: 'button' }, 'Cancel');
    const row = el('li', {}, el('span', { class: 'kept-title' }), el('span', { class: 'kept-facts number' }), cancel);
    cancel.addEventListener('click', () => this.desk.say({ type: 'reair_cancel', plan: row.dataset.key }));
    return row;
  }

  /** @param {HTMLElement} node @param {Reair} plan @param {Show} event */
  #update(node, plan, event) {
    const [title, facts] = /** @type {HTMLElement[]} */ ([...node.children]);
    const talk = event.talks.find(({ id }) => id === plan.what);
    setText(title, `Again: ${plan.what === 'event' ? 'everything' : (talk?.title ?? plan.what)}`);
    const when = plan.at === null ? 'when nothing is live' : `${shortDay(plan.at)} ${bothClocks(plan.at, event.event)}`;
    const how = plan.loop ? `${when}, in a loop` : when;
    setText(facts, plan.stopped ? `${how}; stopped until one of its talks is taken` : how);
  }
}

/** The talks that were on air, recordings left out. @param {Show | null} event */
function over(event) {
  return (event?.talks ?? []).filter((talk) => talk.ended && !isAgain(talk));
}
