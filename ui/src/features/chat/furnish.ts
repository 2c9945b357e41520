// Gives rendered Markdown what its HTML leaves to the window: buttons on code, chips that can be pressed.
// Nothing here makes markup from text: elements are made one by one, and one listener serves them all.

import { m } from '$i18n';

/** Code longer than this many lines begins folded, once its answer is complete. */
const longCode = 32;

function button(action: string, label: string, pressed?: boolean): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.dataset.code = action;
  element.textContent = label;
  if (pressed !== undefined) element.setAttribute('aria-pressed', String(pressed));
  return element;
}

function furnishCode(figure: HTMLElement, fold: boolean): void {
  const caption =
    figure.querySelector('figcaption') ?? figure.insertBefore(document.createElement('figcaption'), figure.firstChild);
  // The end of streaming comes here too, with the same nodes.
  if (caption.querySelector('.code-name')) return;
  const name = document.createElement('span');
  name.className = 'code-name';
  name.textContent = caption.textContent || m.code_text();
  caption.replaceChildren(name);
  const lines = (figure.querySelector('code')?.textContent ?? '').split('\n').length;
  if (lines > longCode) {
    figure.classList.toggle('collapsed', fold);
    caption.append(button('fold', fold ? m.code_expand() : m.code_collapse()));
  }
  caption.append(button('wrap', m.code_wrap(), false), button('copy', m.code_copy()));
}

function furnishPicture(chip: HTMLElement): void {
  chip.setAttribute('role', 'button');
  chip.tabIndex = 0;
  chip.setAttribute('aria-label', m.picture_chip({ name: chip.textContent || m.picture() }));
  if (!chip.textContent) chip.textContent = m.picture();
}

/** A citation mark is a button; what it names is known to the layer that listens for it. */
function furnishCite(cite: HTMLElement): void {
  cite.setAttribute('role', 'button');
  cite.tabIndex = 0;
  cite.setAttribute('aria-label', m.library_cite({ n: cite.dataset.n ?? '' }));
}

/** An attachment for a block: runs again whenever its HTML changes. */
export function furnish(html: string, streaming: boolean) {
  return (block: HTMLElement): void => {
    if (html.includes('<figure')) {
      for (const figure of block.querySelectorAll<HTMLElement>('figure.code')) furnishCode(figure, !streaming);
    }
    if (html.includes('<cite')) {
      for (const cite of block.querySelectorAll<HTMLElement>('cite[data-n]')) furnishCite(cite);
    }
    if (html.includes('picture-chip')) {
      for (const chip of block.querySelectorAll<HTMLElement>('.picture-chip')) furnishPicture(chip);
    }
  };
}

export interface ProseActions {
  openLink(url: string): void;
  askPicture(url: string): void;
  copy(text: string): void;
}

/** One click (or Enter) anywhere in rendered text. True when it meant something. */
export function pressProse(target: EventTarget | null, actions: ProseActions): boolean {
  if (!(target instanceof Element)) return false;
  const link = target.closest<HTMLAnchorElement>('.prose a[href]');
  if (link) {
    const href = link.getAttribute('href') ?? '';
    if (href.startsWith('#')) document.getElementById(href.slice(1))?.scrollIntoView({ block: 'nearest' });
    else actions.openLink(href);
    return true;
  }
  const chip = target.closest<HTMLElement>('.prose .picture-chip');
  if (chip) {
    actions.askPicture(chip.dataset.url ?? '');
    return true;
  }
  const control = target.closest<HTMLButtonElement>('.prose [data-code]');
  const figure = control?.closest<HTMLElement>('figure.code');
  if (!control || !figure) return false;
  switch (control.dataset.code) {
    case 'copy':
      actions.copy((figure.querySelector('code')?.textContent ?? '').replace(/\n$/, ''));
      break;
    case 'wrap':
      control.setAttribute('aria-pressed', String(figure.classList.toggle('wrapped')));
      break;
    case 'fold':
      control.textContent = figure.classList.toggle('collapsed') ? m.code_expand() : m.code_collapse();
      break;
  }
  return true;
}
