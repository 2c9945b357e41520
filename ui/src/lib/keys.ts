// Key combinations as text: `Ctrl+Shift+F`. `Ctrl` stands for Cmd on a Mac, so that one table serves all.

const mac = typeof navigator !== 'undefined' && /Mac|iPhone/.test(navigator.platform);

const modifiers = new Set([
  'Control',
  'Shift',
  'Alt',
  'Meta',
  'AltGraph',
  'CapsLock',
  'Dead',
  'Process',
  'Unidentified',
]);

/** Signs by their place on the keyboard: with Shift held, `key` would be another sign. */
const signs: Record<string, string> = {
  Comma: ',',
  Period: '.',
  Slash: '/',
  Semicolon: ';',
  Quote: "'",
  BracketLeft: '[',
  BracketRight: ']',
  Backslash: '\\',
  Backquote: '`',
  Minus: '-',
  Equal: '=',
};

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

function mainKey({ key, code, shiftKey }: Pressed): string {
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(code);
  if (digit) return digit[1] ?? '';
  const letter = /^Key([A-Z])$/.exec(code);
  // A layout without Latin letters (Cyrillic, or an input method): go by the key's place.
  if (letter && key.length === 1) return letter[1] ?? '';
  if (code === 'NumpadAdd') return '=';
  if (code === 'NumpadSubtract') return '-';
  if (shiftKey && signs[code]) return signs[code];
  return key === ' ' ? 'Space' : key;
}

/** The combination as text, or an empty string for a lone modifier. */
export function keyFrom(event: Pressed, onMac = mac): string {
  if (modifiers.has(event.key)) return '';
  const parts: string[] = [];
  if (onMac ? event.metaKey : event.ctrlKey) parts.push('Ctrl');
  if (onMac && event.ctrlKey) parts.push('Control');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey) parts.push('Shift');
  parts.push(mainKey(event));
  return parts.join('+');
}

const macSigns: Record<string, string> = { Ctrl: '⌘', Control: '⌃', Alt: '⌥', Shift: '⇧', Backspace: '⌫', Escape: '⎋' };
const shortNames: Record<string, string> = {
  Escape: 'Esc',
  Backspace: '⌫',
  Delete: 'Del',
  ArrowUp: '↑',
  ArrowDown: '↓',
  '=': '+',
  '-': '−',
};

/** The combination in the pieces that are drawn as keys. */
export function keyCaps(key: string, onMac = mac): string[] {
  if (key === '') return [];
  return key.split('+').map((part) => (onMac ? (macSigns[part] ?? part) : (shortNames[part] ?? part)));
}

/** In a field a sign, or a key that edits or marks, belongs to what is being typed; in a menu it finds an item. */
export const isTyped = (key: string, target: EventTarget | null): boolean =>
  /^(Shift\+)?(.|Space|Delete|Backspace|Enter|Tab|Home|End|Arrow\w+)$|^Ctrl\+A$/.test(key) &&
  target instanceof Element &&
  target.closest('input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [role=menu]') !== null;

/** An input method is composing: the key belongs to it. Some engines report that only by the code 229. */
export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
