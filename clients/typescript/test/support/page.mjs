// A page with the hooks: it follows an execution, and approves what waits.
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "@runbus/client";
import { useApprovals, useExecution } from "@runbus/client/react";
import { scenario } from "./scenario.mjs";

export { scenario as runScenario };

export let unmount = () => {};

export function showExecution(url, id, other) {
  const client = connect({ url, backoff: { minMs: 5 } });
  function Run() {
    const [shown, show] = useState(id);
    const { state, error, approvals, approve } = useApprovals(client, shown);
    const { state: same } = useExecution(client, shown);
    return createElement(
      "main",
      null,
      createElement("p", { id: "status" }, `${shown === id ? "first" : "other"} ${state?.status ?? "unknown"} ${same?.status ?? ""}`),
      createElement("p", { id: "text" }, state?.text ?? ""),
      createElement("p", { id: "error" }, error ? String(error.code ?? error) : "none"),
      approvals.map((one) =>
        createElement("button", { key: one.approval_id, className: "approve", onClick: () => approve(one, "from the page") }, one.tool_name),
      ),
      state?.questions.map((one) =>
        createElement("button", { key: one.request_id, className: "answer", onClick: () => client.answer(one.request_id, one.choices[0]) }, one.prompt.content),
      ),
      createElement("button", { id: "next", onClick: () => show(other) }, "other"),
    );
  }
  const root = createRoot(document.getElementById("root"));
  root.render(createElement(Run));
  unmount = () => root.unmount();
}
