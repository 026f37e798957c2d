/**
 * The shapes of docs/protocol.md, as JSDoc types. No code.
 *
 * @typedef {{code: string, message: string, [field: string]: unknown}} Fault
 * @typedef {{id: string, name: string, subtitle?: string, place?: string, timezone: string, start: number, end: number}} EventInfo
 * @typedef {{title: string, message: string, until: number | null}} Slate
 * @typedef {'full' | 'pip' | 'side' | 'grid' | 'slate'} Layout
 * @typedef {{kind: 'slate' | 'talk', talk: string | null, since: number, layout: Layout, slate: Slate,
 *   ends?: number | null, lost?: string[], held?: string | null, returns?: boolean}} Air
 *   `held`: the talk that the slate interrupts; `returns`: it comes back by itself; `lost`: its feeds that have died
 * @typedef {'planned' | 'standby' | 'live' | 'done' | 'skipped'} TalkState
 * @typedef {{id: string, title: string, speakers: string[], layout: Layout, state: TalkState,
 *   start: number | null, minutes: number, extended?: number, started: number | null, ended: number | null,
 *   expected?: number | null, automatic?: boolean, clip?: string | null, fixed?: boolean, feeds?: string[]}} Talk
 *   `minutes`: its length now, `extended` of them added; `expected`: when it will begin; `fixed`: by a start of its own
 * @typedef {'absent' | 'green_room' | 'ready' | 'standby' | 'on_air'} PersonState
 * @typedef {{id: string, name: string, role: string, title: string, organisation: string, place: string,
 *   state?: PersonState, ready?: boolean, connected?: boolean, feeds?: string[], level?: Level, removed?: boolean}} Person
 * @typedef {{gain_db: number, muted: boolean}} Level
 * @typedef {{id: string, by: string, to: string[], text: string, at: number, acks: Record<string, number>}} Message a text cue, as producers see it
 * @typedef {{id: string, by: string, text: string, at: number, acked: number | null}} Cue a text cue, as its speaker sees it
 * @typedef {{id: string, name: string, address: string, on: boolean, fixed: boolean}} Target where the programme is sent; `address` is masked
 * @typedef {{id: string, state: 'connecting' | 'live' | 'retrying', since: number, code: string | null, reason: string,
 *   next_try: number | null, bitrate: number, dropped: number, reconnects: number}} TargetLine
 * @typedef {{at: number, by: string, person: string, do: string, talk: string | null, who: string | null}} Move a command that was carried out
 * @typedef {{id: string, what: string, at: number | null, loop: boolean, stopped?: boolean}} Reair what is to be on air again: "event" or a talk's id; `stopped` by a producer
 * @typedef {{type: 'state', revision: number, now: number, event: EventInfo, phase: 'before' | 'live' | 'over', air: Air,
 *   standby: string | null, follows?: string | null, hand_off: {target: string, phase: 'prepare' | 'commit', by: string} | null,
 *   problem?: (Fault & {at: number}) | null, talks: Talk[], people: Person[],
 *   audience?: {viewers: number, screens: number}, forecast?: {end: number, behind: number},
 *   messages?: Message[], talkback?: {by: string, to: string[]}[], moves?: Move[], targets?: Target[], reairs?: Reair[],
 *   you?: {id: string, role: string, state: PersonState, ready?: boolean, talk: string | null, next_at?: number | null, next_in?: number | null,
 *     messages?: Cue[], talkback?: string[], level?: Level}}} Show
 * @typedef {{id: string, owner: string, kind: 'camera' | 'slides' | 'clip', codec: string, width: number, height: number,
 *   fps: number, bitrate: number, loss: number, rtt_ms: number | null, level: number | null, video_age_ms: number | null,
 *   verdict: 'good' | 'poor' | 'dead', why: string}} FeedHealth
 * @typedef {{id: string, name: string, role: string, page: string, since: number, rtt_ms: number | null,
 *   stats: Record<string, number | string>}} ClientHealth
 * @typedef {{type: 'health', feeds: FeedHealth[], mixer: {state: string, fps: number, nominal_fps: number, late_ms: number, restarts: number},
 *   recording?: {state: 'ok' | 'low' | 'full', free: number, rate: number, left: number | null, files: number, notice: string},
 *   restream?: TargetLine[], clients: ClientHealth[]}} Health
 * @typedef {{id: string, name: string, role: string}} You
 * @typedef {{type: string, id?: string, [field: string]: unknown}} Command
 */

export {};
