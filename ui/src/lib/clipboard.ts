// Puts text on the clipboard, also text that is still on its way.

/** WebKit lets a page write only while the press that asked for it is fresh: a promised text keeps the press. */
async function writePromised(text: Promise<string>): Promise<void> {
  const blob = text.then((value) => new Blob([value], { type: 'text/plain' }));
  await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
}

/** The old way, for web views without the clipboard API or that refuse it to this page. */
function writeBySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'hidden-visually';
  area.readOnly = true;
  // Inside the open dialog, if there is one: what is outside of it cannot be focused.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  if (!done) throw new Error('the clipboard refused');
}

export async function copyText(text: string | Promise<string>): Promise<void> {
  try {
    if (typeof text === 'string') await navigator.clipboard.writeText(text);
    else await writePromised(text);
  } catch {
    // A rejected promise of text comes out here, and then it is not the clipboard's fault.
    writeBySelection(await text);
  }
}
