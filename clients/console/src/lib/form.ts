/** A form from a JSON Schema: a field for each property that has a simple type; anything else is given as JSON. */

export interface Field {
  name: string;
  kind: "text" | "number" | "integer" | "boolean" | "choice" | "json";
  required: boolean;
  description: string;
  choices: string[];
}

type Schema = { type?: unknown; properties?: Record<string, unknown>; required?: unknown; enum?: unknown; description?: unknown };

/** `undefined`: the schema is no object with properties, the input is any JSON. */
export function fieldsOf(schema: object | undefined): Field[] | undefined {
  const { type, properties, required } = (schema ?? {}) as Schema;
  if (properties === undefined || (type !== undefined && type !== "object")) return undefined;
  const needed = new Set(Array.isArray(required) ? required : []);
  const fields = Object.entries(properties).map(([name, property]): Field => {
    const { type, enum: choices, description } = (property ?? {}) as Schema;
    const texts = Array.isArray(choices) && choices.every((one) => typeof one === "string") ? (choices as string[]) : [];
    const kinds: Record<string, Field["kind"]> = { string: "text", number: "number", integer: "integer", boolean: "boolean", array: "json", object: "json" };
    // A field without a type is most often a text.
    const kind = texts.length > 0 ? "choice" : (kinds[String(type)] ?? "text");
    return { name, kind, required: needed.has(name), description: typeof description === "string" ? description : "", choices: texts };
  });
  return fields.length > 0 ? fields : undefined;
}

/** The input that a form's texts say. Throws what is wrong, with the field's name. */
export function inputOf(fields: readonly Field[], values: Readonly<Record<string, string>>): Record<string, unknown> {
  const input: [string, unknown][] = [];
  for (const { name, kind, required } of fields) {
    const text = values[name] ?? "";
    if (text.trim() === "") {
      if (required) throw new Error(`${name} is required`);
      continue;
    }
    input.push([name, valueOf(name, kind, text)]);
  }
  // Keys as they are, whatever their names.
  return Object.fromEntries(input);
}

function valueOf(name: string, kind: Field["kind"], text: string): unknown {
  switch (kind) {
    case "number":
    case "integer": {
      const value = Number(text);
      if (!Number.isFinite(value) || (kind === "integer" && !Number.isInteger(value))) throw new Error(`${name} is no ${kind}`);
      return value;
    }
    case "boolean":
      return text === "true";
    case "json":
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`${name} is no JSON`);
      }
    default:
      return text;
  }
}

/** The texts of a form for an input; `undefined`: the input does not fit the form. */
export function textsOf(fields: readonly Field[], input: unknown): Record<string, string> | undefined {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
  const known = new Set(fields.map(({ name }) => name));
  if (Object.keys(input).some((name) => !known.has(name))) return undefined;
  return Object.fromEntries(
    fields.map(({ name, kind }) => {
      const value = (input as Record<string, unknown>)[name];
      return [name, value === undefined ? "" : kind === "json" || typeof value === "object" ? JSON.stringify(value, null, 2) : String(value)];
    }),
  );
}

/** Text that is JSON is taken as JSON, other text as a text: as the CLI does. */
export function anyInput(text: string): unknown {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
