/** Whether arguments fit a tool's schema. The library interprets schemas: the page's policy has no `eval`. */
import { Validator, type Schema } from "@cfworker/json-schema";

/** The faults, in words; empty: none. A schema that cannot be read checks nothing. */
export function wrong(value: unknown, schema: object | undefined): string[] {
  if (!schema) return [];
  try {
    const { valid, errors } = new Validator(schema as Schema, "2020-12", false).validate(value);
    if (valid) return [];
    const said = errors.map(({ instanceLocation, error }) => `${instanceLocation.replace(/^#\/?/, "") || "the arguments"}: ${error}`);
    // The deepest say most.
    return [...new Set(said.reverse())].slice(0, 5);
  } catch {
    return [];
  }
}
