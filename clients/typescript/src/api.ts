/** Names for what REST takes and gives, from the generated types. */
import type { components } from "./types/openapi.js";

type Schemas = components["schemas"];

/** Fields with a default may be left out of a request. */
type Request<T> = { [K in keyof T]?: Exclude<T[K], null> };
type With<T, K extends keyof T> = Request<Omit<T, K>> & { [P in K]: T[P] };

export type StartRequest = With<Schemas["StartRequest"], "definition">;
export type BeginRequest = With<Schemas["BeginRequest"], "definition">;
export type SendRequest = Request<Schemas["SayRequest"]>;
export type DecideRequest = With<Schemas["DecideRequest"], "approved">;
export type Started = Schemas["Started"];
export type Acknowledged = Schemas["Acknowledged"];
export type Decided = Schemas["Decided"];
export type AbortedCalls = Schemas["AbortedCalls"];
export type Session = Schemas["Session"];
export type Messages = Schemas["Messages"];
export type PendingCalls = Schemas["PendingCalls"];
export type PendingApproval = Schemas["PendingApproval"];
export type PendingQuestion = Schemas["PendingQuestion"];
export type Approvals = Schemas["Approvals"];
export type Questions = Schemas["Questions"];
export type ExecutionInfo = Schemas["Execution"];
export type DeadLetter = Schemas["DeadLetter"];
export type DeadLetters = Schemas["DeadLetters"];
export type Presence = Schemas["Presence"];
export type Monitor = Schemas["Monitor"];
export type Published = Schemas["Published"];
export type StreamToken = Schemas["Minted"];
export type Workers = Schemas["Workers"];
export type Stats = Schemas["Statistics"];
