/**
 * The shapes of docs/protocol.md, as JSDoc types. No code.
 *
 * @typedef {{code: string, message: string, [field: string]: unknown}} Fault
 * @typedef {{id: string, name: string, subtitle?: string, place?: string, timezone: string, start: number, end: number}} EventInfo
 * @typedef {{title: string, message: string, until: number | null}} Slate
 * @typedef {'full' | 'pip' | 'side' | 'grid' | 'slate'} Layout
 * @typedef {{kind: 'slate' | 'talk', talk: string | null, since: number, layout: Layout, slate: Slate,
 *   held?: string | null, returns?: boolean}} Air `held`: the talk that the slate interrupts; `returns`: it comes back by itself
 * @typedef {'planned' | 'standby' | 'live' | 'done' | 'skipped'} TalkState
 * @typedef {{id: string, title: string, speakers: string[], layout: Layout, state: TalkState,
 *   start: number | null, minutes: number, started: number | null, ended: number | null}} Talk
 * @typedef {'absent' | 'green_room' | 'ready' | 'standby' | 'on_air'} PersonState
 * @typedef {{id: string, name: string, role: string, title: string, organisation: string, place: string,
 *   state?: PersonState, connected?: boolean, feeds?: string[]}} Person
 * @typedef {{type: 'state', revision: number, now: number, event: EventInfo, phase: 'before' | 'live' | 'over', air: Air,
 *   standby: string | null, hand_off: {target: string, phase: 'prepare' | 'commit', by: string} | null,
 *   problem?: (Fault & {at: number}) | null, talks: Talk[], people: Person[],
 *   audience?: {viewers: number, screens: number},
 *   you?: {id: string, role: string, state: PersonState, talk: string | null}}} Show
 * @typedef {{id: string, owner: string, kind: 'camera' | 'slides' | 'clip', codec: string, width: number, height: number,
 *   fps: number, bitrate: number, loss: number, rtt_ms: number | null, level: number | null, video_age_ms: number | null,
 *   verdict: 'good' | 'poor' | 'dead', why: string}} FeedHealth
 * @typedef {{id: string, name: string, role: string, page: string, since: number, rtt_ms: number | null,
 *   stats: Record<string, number | string>}} ClientHealth
 * @typedef {{type: 'health', feeds: FeedHealth[], mixer: {state: string, fps: number, late_ms: number, restarts: number},
 *   clients: ClientHealth[]}} Health
 * @typedef {{id: string, name: string, role: string}} You
 * @typedef {{type: string, id?: string, [field: string]: unknown}} Command
 */

export {};
