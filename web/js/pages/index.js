/** The event's front door: what, when, the agenda, and the way to the programme. */

import '../components/agenda.js';
import { Agenda } from '../components/agenda.js';
import { updateHeader } from '../components/header.js';
import { byId, need, setText, show } from '../dom.js';
import { onNow, titled } from '../rundown.js';
import { Session } from '../session.js';
import { duration } from '../time.js';
import { fault } from '../words.js';

const session = new Session('index');
const agenda = need('agenda', Agenda);

/** @param {import('../state.js').State} state */
function update(state) {
  updateHeader(state);
  const closed = state.bye?.code.startsWith('pass_') ? fault(state.bye.code, state.bye.message) : null;
  show(byId('closed'), closed !== null);
  if (closed) setText(byId('closed'), `${closed.title}. ${closed.text}`);
  const event = state.show;
  if (!event) return;
  document.title = event.event.name;
  agenda.update(event);
  const phase = byId('phase');
  show(phase, event.phase !== 'before');
  setText(phase, event.phase === 'live' ? 'Live now' : 'This event is over');
  phase.dataset.tone = event.phase === 'live' ? 'air' : '';
  const talk = onNow(event);
  show(byId('on-now'), talk !== null);
  setText(byId('on-now'), talk ? titled(event, talk, ' \u2013 ') : '');
  setText(byId('watch-word'), event.phase === 'live' ? 'Watch live' : event.phase === 'before' ? 'Take your seat' : 'Open the programme');
  tick();
}

function tick() {
  const event = session.state.show;
  const left = event?.phase === 'before' ? event.event.start - session.now() : 0;
  show(byId('countdown'), left > 0);
  if (left > 0) setText(byId('countdown-time'), duration(left));
}

// A personal viewer's link stays personal on the way to the programme.
if (session.pass) need('watch', HTMLAnchorElement).hash = location.hash;
session.onChange(update);
session.start();
setInterval(tick, 500);
