/** One request, once: for what must not wait for a credential or be tried again. */
import { RunbusError } from "@runbus/client";
import { ofAnswer, unavailable } from "../../../typescript/src/errors.js";
import { address } from "../../../typescript/src/rest.js";

export interface Asked {
  token?: string | undefined;
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined>;
  signal?: AbortSignal;
  gateway?: string;
}

export async function ask<T>(method: "GET" | "POST", path: readonly string[], asked: Asked = {}): Promise<T> {
  const { token, body, query, signal, gateway = window.location.origin } = asked;
  const headers: Record<string, string> = {};
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  if (method === "POST") headers["content-type"] = "application/json";
  const response = await fetch(address(gateway, path, query), {
    method,
    headers,
    cache: "no-store",
    ...(method === "POST" ? { body: JSON.stringify(body ?? {}) } : {}),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    throw unavailable("the gateway cannot be reached", error);
  });
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  if (!response.ok) throw ofAnswer(response.status, answer);
  return answer as T;
}

/** An error as a person reads it. */
export function words(error: unknown): string {
  if (error instanceof RunbusError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
