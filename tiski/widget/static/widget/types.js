/**
 * Shapes shared by the widget's modules. Types only: nothing imports this file when the widget runs.
 *
 * @typedef {{name: string, photo: string | null}} Person
 *
 * The counter's state: next opening and closing as ISO times; `hours` false means that the shop has set no hours.
 * @typedef {{open: boolean, opens_at: string | null, closes_at: string | null, hours?: boolean,
 *            agent?: Person | null}} CounterState
 *
 * @typedef {{id: string, name: string, size: number, type: string, url?: string, local?: Blob}} FileRef
 * @typedef {{kind: "customer" | "agent" | "system", name: string, photo: string | null}} Author
 * @typedef {{seq: number, client_id?: string | null, author: Author, at: string, body: string, files: FileRef[]}} Message
 *
 * A message on its way. When it failed, `reason` says why in words and `final` that only the visitor can send it again;
 * `due` is when, in milliseconds, a plain request takes over from a silent socket.
 * @typedef {{client_id: string, conversation: string, at: string, body: string, files: FileRef[], page: string,
 *            lang: string, state: "sending" | "failed", reason: string, final: boolean, due: number}} Parcel
 *
 * @typedef {{t: "ready", seq: number, messages: Message[], state: CounterState | null, more: boolean, read?: number}} Ready
 * @typedef {{t: "ack", client_id: string, seq: number, id?: string}} Ack
 * @typedef {{t: "refused", code: string, text: string, client_id?: string | null, retry_after?: number | null}} Refused
 * @typedef {{t: string, [name: string]: any}} Frame
 *
 * @typedef {{brand: string, on: string, deep: string, text: string, text_dark: string}} Colours
 * @typedef {{text: number, files: number, file_bytes: number, types: string[]}} Limits
 * @typedef {Record<string, string | string[]>} Texts
 *
 * What `/w/config/<key>.json` answers. Addresses are paths on the desk's own origin.
 * @typedef {{key: string, lang: string, shop: {name: string, logo: string | null}, colour: Colours,
 *            theme: "auto" | "light" | "dark", position: "start" | "end", people: Person[], hours: CounterState,
 *            welcome: string, panel: string, css: string, socket: string, api: string, limits: Limits, texts: Texts,
 *            sample?: Message[]}} Config
 *
 * What the loader hands to the panel.
 * @typedef {{base: string, config: Config, root: ShadowRoot, frame: HTMLElement, status: HTMLElement, full: boolean,
 *            preview: boolean, emit: (name: string, detail: object) => void, unread: (count: number) => void, closed: () => void}} Context
 *
 * What the panel hands back to the loader.
 * @typedef {{open: (how: {focus: boolean, text?: string}) => void, close: () => void, reset: () => void,
 *            leave: () => void, wake: () => void}} Panel
 */
export {};
