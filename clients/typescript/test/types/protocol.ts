// The types that the client reads agree with the contract of the WebSocket's messages.
import type { Message } from "../../src/messages.js";
import type { Event } from "../../src/event.js";
import type { ServerMessage } from "../../src/types/protocol.js";

type Of<T extends ServerMessage["type"]> = Extract<ServerMessage, { type: T }>;
type Read = Exclude<Message["type"], "events" | "snapshot">;

export const read: Message = undefined as unknown as Of<Read>;
export const position: string = (undefined as unknown as Of<"snapshot">).snapshot.cursor;
export const known: Event["seq"] = (undefined as unknown as Of<"events">).events[0]!.seq;
