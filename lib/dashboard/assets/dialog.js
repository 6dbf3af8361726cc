/** The one dialog of the page: a question whose harmless answer is the one that Enter and Escape give. */

import { byId, setText } from "./format.js";

/**
 * Asks, and resolves to true when the person goes on. `stay` is the label of the harmless answer, which has the focus, and
 * `go` that of the other one. `subject` is what it is about, as nodes, shown below the question.
 */
export function ask({ question, subject = [], stay, go }) {
  const dialog = byId("confirm");
  setText(byId("confirm-text"), question);
  byId("confirm-subject").replaceChildren(...subject);
  const [yes, no] = [byId("confirm-yes"), byId("confirm-no")];
  setText(yes, go);
  setText(no, stay);
  return new Promise((resolve) => {
    const close = (answer) => () => dialog.close(answer);
    yes.onclick = close("go");
    no.onclick = close("stay");
    // Escape closes with the answer of the last time.
    dialog.returnValue = "stay";
    dialog.onclose = () => resolve(dialog.returnValue === "go");
    dialog.showModal();
    no.focus();
  });
}
