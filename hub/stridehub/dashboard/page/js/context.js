/**
 * What a view gets from the shell, as types only: this file holds no code.
 *
 * The shell loads `./runner/view.js` for `#/runner/{hub}/{runner}` and calls
 * `mount(element, context)`; what `mount` returns, an Unmount, is called before
 * another view takes the element. `element` is empty, a <main>, and the view's own.
 * Its style sheet is `./runner/runner.css`, linked from index.html.
 *
 * Whatever comes from a broker is untrusted. A reader (see shape.js) turns parsed
 * JSON into values of known types and throws BadMessage for anything else; the
 * connection counts that and goes on. Text from messages goes into text nodes only
 * (see dom.js). Ids such as `__proto__` are possible: keep them in Maps.
 */

/**
 * @typedef {object} Context
 * @property {string} hub
 * @property {string} runner
 * @property {Store} state
 * @property {Connection} connection
 * @property {SendCommand} sendCommand
 * @property {() => (string|null)} whyNoCommands  Why buttons are disabled, for people; null: they work.
 */

/** @typedef {() => void} Unmount  Ends subscriptions and frees everything. */

/**
 * Everything known so far. All of it is replaced, never changed in place: compare by identity.
 * @typedef {object} Store
 * @property {(listener: () => void) => Unsubscribe} subscribe
 *   The listener is called in an animation frame, at most ten times a second and once for all
 *   messages since, and every second (ages grow without messages).
 * @property {(hub: string) => (HubState|undefined)} hub
 * @property {(hub: string, runner: string) => (RunnerState|undefined)} runner
 * @property {() => Iterable<HubState>} hubs
 * @property {() => Iterable<RunnerState>} runners
 * @property {(hub: string, runner: string) => import("../runner/past.js").Past} past
 *   The last minutes and cues, which do change in place.
 * @property {(hub: string) => (number|null)} hubNow
 *   UTC milliseconds by the hub's clock; null until it has told the time.
 * @property {(runner: RunnerState) => number} ageMs
 *   Of what is known of the runner; Infinity: not known, or the broker is away. Grey beyond STALE_MS of state.js.
 */

/**
 * @typedef {object} HubState
 * @property {string} hub
 * @property {object|null} status     messages.py Status
 * @property {object|null} meta       messages.py HubMeta; `metrics` is a Map by name of {title, unit, decimals, zone_source}
 * @property {Array<object>|null} checklist  messages.py ChecklistItem
 * @property {Array<object>} alerts   the newest first
 */

/**
 * Field names are those of messages.py.
 * @typedef {object} RunnerState
 * @property {string} hub
 * @property {string} runner
 * @property {object|null} summary    Summary; `metrics` is a Map by name of a Map by side ("left"/"right") of Reading, `strike` a Map by side
 * @property {Map<string, object>} pods   PodHealth by pod, each with `at_ms` (performance.now() of its arrival)
 * @property {object|null} cue        the newest CueMessage, with `response` (Response or null)
 */

/**
 * @typedef {object} Connection
 * @property {(filter: string, read: (value: unknown) => T, handler: (message: T, about: About) => void) => Unsubscribe} subscribe
 *   Lasts over broken connections. Retained messages come at once, also for a filter that others have.
 * @property {ConnectionState} state
 */

/**
 * @typedef {object} About
 * @property {string} topic
 * @property {string[]} levels    of the topic: ["stridehub", "1", hub, ...]
 * @property {boolean} isRetained it may be old
 */

/** @typedef {() => void} Unsubscribe */

/**
 * @callback SendCommand
 * @param {string} hub
 * @param {string} name      such as "mute", see commands.py
 * @param {object} [args]    its fields but v, t and id
 * @returns {Promise<Ack>}   messages.py Ack, with `state` "done" or "refused"; refused with a reason
 *   also where the broker refused it, or no answer came in time. Never rejects.
 */
export {};
