/** A lost race: the decision that stands, in words. */
import { RunbusError } from "@runbus/client";
import { data, text } from "../execution/read";
import { words } from "../lib/rest";

export function standing(error: unknown): string {
  if (!(error instanceof RunbusError) || error.code !== "conflict") return words(error);
  const details = data(data(error.details)["standing"] ?? error.details);
  const approval = data(details["approval"] ?? details);
  const who = text(approval["decided_by"]) ?? text(approval["answered_by"]);
  const status = text(approval["status"]);
  const note = text(approval["note"]);
  const was =
    approval["approved"] === true ? "approved" : approval["approved"] === false ? "rejected" : (status ?? "settled otherwise");
  return `Somebody was first: it was ${was}${who && who !== "everyone" ? ` by ${who}` : ""}${note ? `: “${note}”` : ""}.`;
}
