// Where notes may stand: the innermost part of the page that was marked so, else the whole window.
//
// At the foot of a view lie its controls and figures: the message box, a form's price. A view marks the part above or
// beside them.

import type { Attachment } from 'svelte/attachments';
import { SvelteSet } from 'svelte/reactivity';

const fields = new SvelteSet<Element>();

/** `{@attach toastField}` on an element: notes stand at its foot, within its sides. */
export const toastField: Attachment = (element) => {
  fields.add(element);
  return () => void fields.delete(element);
};

/** The field in use. Of two beside each other the later one lies over the other. */
export function currentField(): Element | null {
  const all = [...fields];
  return all.findLast((each) => !all.some((other) => other !== each && each.contains(other))) ?? null;
}
