// Frames of the live protocol, for the type checker only; the server's structs are compared with these by tests.

export type File = { id: string; name: string; size: number; type: string; url: string };
export type Author = { kind: "customer" | "agent" | "system"; name: string; photo: string | null };
export type Presence = { id: string; name: string; writing?: boolean; viewing?: boolean };
export type Service = { open: boolean; opens_at: string | null; closes_at: string | null; agent?: Author };

export type Beat = { t: "beat" };
export type Resync = { t: "resync" };
export type Refused = { t: "refused"; code: string; text: string; client_id?: string; retry_after?: number };
export type SharedDown = Beat | Resync | Refused;

export type ConsoleHello = { t: "hello"; csrf: string; after: number; topics: string[] };
export type Watch = { t: "watch"; topics: string[] };
export type Unwatch = { t: "unwatch"; topics: string[] };
export type Here = { t: "here"; conversation: number | null; writing: boolean };
export type ConsoleUp = ConsoleHello | Watch | Unwatch | Here | Beat;

export type ConsoleReady = { t: "ready"; seq: number };
export type News = { t: "news"; topic: string; seq: number; name: string; key?: number; ring?: boolean; turns?: boolean };
export type Now = { t: "now"; topic: string; who: Presence[] };
export type ConsoleDown = SharedDown | ConsoleReady | News | Now;

export type WidgetHello = { t: "hello"; token: string; conversation: string | null; after: number };
export type Message = {
  t: "message";
  client_id: string;
  conversation: string;
  body: string;
  page?: string;
  lang?: string;
  files?: string[];
};
export type Typing = { t: "typing" };
export type Read = { t: "read"; seq: number };
export type WidgetUp = WidgetHello | Message | Typing | Read | Beat;

export type Said = {
  t: "message";
  seq: number;
  author: Author;
  at: string;
  body: string;
  files: File[];
  client_id?: string;
};
export type WidgetReady = { t: "ready"; seq: number; messages: Said[]; state: Service; more: boolean };
export type Ack = { t: "ack"; client_id: string; seq: number; id: string };
export type Writing = { t: "now"; typing: boolean; name: string };
export type ReadState = { t: "state"; read: number };
export type Closed = { t: "closed" };
export type WidgetDown = SharedDown | Said | WidgetReady | Ack | Writing | ReadState | Closed;
