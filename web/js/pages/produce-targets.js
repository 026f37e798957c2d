/** Where else the programme goes, on the producer's desk: started, stopped, typed in. Keys are only ever sent. */

import { twice } from '../components/twice.js';
import { byId, el, formDialog, keyed, need, setAttribute, setText, show } from '../dom.js';
import { answerTo } from '../state.js';
import { countWords, targetWords } from '../targets.js';

/** @typedef {import('../state.js').State} State @typedef {import('../types.js').Target} Target */

export class Targets {
  #dialog = formDialog('target', () => this.#add());
  #key = need('target-key', HTMLInputElement);
  /** The command that the dialog waits for. */
  #asked = /** @type {string | null} */ (null);
  /** By their buttons. */
  #disarms = /** @type {WeakMap<HTMLElement, () => void>} */ (new WeakMap());

  /** @param {import('../session.js').Session} session */
  constructor(session) {
    this.session = session;
    byId('target-new').addEventListener('click', () => this.#open());
    this.#dialog.addEventListener('close', () => {
      this.#key.value = '';
      this.#asked = null;
    });
  }

  /** @param {State} state */
  draw(state) {
    this.#hear(state);
    const targets = state.show?.targets ?? [];
    const lines = state.health?.restream ?? [];
    const now = this.session.now();
    show(byId('targets-none'), targets.length === 0);
    show(byId('targets'), targets.length > 0);
    setText(byId('targets-count'), countWords(targets, lines));
    keyed(
      byId('targets'),
      targets,
      (target) => target.id,
      (target) => this.#row(target),
      (node, target) => {
        const { word, words, tone } = targetWords(target, lines.find((line) => line.id === target.id) ?? null, now);
        const [dot, who, state_, toggle, remove] = /** @type {HTMLElement[]} */ ([...node.children]);
        node.dataset.target = target.id;
        node.dataset.tone = tone;
        dot.dataset.tone = tone;
        setText(/** @type {Node} */ (who.firstChild), target.name);
        setText(/** @type {Node} */ (who.lastChild), target.address);
        setText(/** @type {Node} */ (state_.firstChild), word);
        setText(/** @type {Node} */ (state_.lastChild), words);
        setText(toggle, target.on ? 'Stop' : 'Start');
        setAttribute(toggle, 'aria-label', `${target.on ? 'Stop' : 'Start'} ${target.name}`);
        setAttribute(toggle, 'data-do', target.on ? 'stop' : 'start');
        show(remove, !target.fixed && !target.on);
        if (remove.hidden) this.#disarms.get(remove)?.();
      },
    );
  }

  /** @param {Target} target */
  #row({ id, name }) {
    const toggle = el('button', { class: 'button' });
    toggle.addEventListener('click', () => this.#say(toggle.dataset.do ?? '', id));
    const remove = el('button', { class: 'button quiet' });
    // Twice, because nobody can give the key back.
    const words = { calm: { text: 'Remove', label: `Remove ${name}` }, sure: { text: 'Really?', label: `Really remove ${name}?` } };
    this.#disarms.set(remove, twice(remove, words, () => this.#say('remove', id)));
    const who = el('span', { class: 'target-who' }, el('strong'), el('span', { class: 'muted small' }));
    const now = el('span', { class: 'target-now' }, el('strong'), el('span', { class: 'muted small number' }));
    return el('li', {}, el('span', { class: 'dot', 'aria-hidden': 'true' }), who, now, toggle, remove);
  }

  #open() {
    need('target-form', HTMLFormElement).reset();
    setText(byId('target-note'), '');
    this.#dialog.showModal();
    need('target-name', HTMLInputElement).focus();
  }

  #add() {
    if (this.#asked !== null) return;
    const [name, url] = ['target-name', 'target-url'].map((id) => need(id, HTMLInputElement).value.trim());
    const key = this.#key.value.trim();
    setText(byId('target-note'), 'Being added\u2026');
    this.#asked = this.session.command({ type: 'target', do: 'add', name, url, ...(key ? { key } : {}), on: need('target-on', HTMLInputElement).checked });
  }

  /** What is refused stays in the form, with the reason: nobody types a key twice for a slip in the address. @param {State} state */
  #hear(state) {
    const answer = this.#asked === null ? 'waiting' : answerTo(state, this.#asked);
    if (answer === 'waiting') return;
    this.#asked = null;
    if (answer === 'done') return this.#dialog.close();
    setText(byId('target-note'), answer.fault.message);
    this.session.dismiss(answer.id);
  }

  /** @param {string} what @param {string} target */
  #say(what, target) {
    this.session.command({ type: 'target', do: what, target });
  }
}
