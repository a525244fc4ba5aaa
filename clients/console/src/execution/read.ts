/** Fields of payloads: what is there and of the right type. Strangers write payloads, too. */

export type Data = Record<string, unknown>;

export const data = (value: unknown): Data =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Data) : {};

export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

export const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const texts = (value: unknown): string[] => list(value).filter((one): one is string => typeof one === "string");

/** The message of an error, whether it is a text or an object; the provider's own words when there are any. */
export function message(error: unknown): string {
  if (typeof error === "string") return error;
  const { message, code, provider } = data(error);
  const said = text(message) ?? text(code) ?? (error === undefined || error === null ? "" : JSON.stringify(error));
  const own = text(data(provider)["message"]);
  return own === undefined || said.includes(own) ? said : `${said} (the provider: ${own})`;
}
