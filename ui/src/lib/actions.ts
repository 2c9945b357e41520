// Every action of the window, in one table: its name, its key, its place in the menus.
// The palette, the shortcut sheet, Settings › Keyboard and the key handler all read this and nothing else.
//
// How to add an action: a row here, its name in the messages, and one `commands.register` where it is carried out.

import { m } from '$i18n';

export type MenuPlace = 'file' | 'edit' | 'view' | 'chat' | 'images' | 'help';

interface Row {
  id: string;
  name: () => string;
  /** `Ctrl` means Cmd on a Mac. `null`: no key until the person gives it one. */
  key: string | null;
  menu: MenuPlace;
  /** Left out of the palette: it only makes sense as a key. */
  keyOnly?: true;
}

const chatByNumber = <N extends 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9>(number: N) =>
  ({
    id: `chat${number}`,
    name: () => m.action_chatNumber({ number }),
    key: `Ctrl+${number}`,
    menu: 'chat',
    keyOnly: true,
  }) as const;

export const actions = [
  { id: 'newChat', name: () => m.action_newChat(), key: 'Ctrl+N', menu: 'file' },
  { id: 'newTemporaryChat', name: () => m.action_newTemporaryChat(), key: "Ctrl+Shift+'", menu: 'file' },
  { id: 'newImage', name: () => m.action_newImage(), key: 'Ctrl+Shift+N', menu: 'file' },
  { id: 'addFiles', name: () => m.action_addFiles(), key: null, menu: 'file' },
  { id: 'exportChat', name: () => m.action_exportChat(), key: null, menu: 'file' },
  { id: 'settings', name: () => m.action_settings(), key: 'Ctrl+,', menu: 'file' },

  { id: 'findInChat', name: () => m.action_findInChat(), key: 'Ctrl+F', menu: 'edit' },
  { id: 'searchAll', name: () => m.action_searchAll(), key: 'Ctrl+Shift+F', menu: 'edit' },
  { id: 'searchLibrary', name: () => m.action_searchLibrary(), key: null, menu: 'edit' },
  { id: 'copyAnswer', name: () => m.action_copyAnswer(), key: 'Ctrl+Shift+C', menu: 'edit' },
  { id: 'copyCode', name: () => m.action_copyCode(), key: 'Ctrl+Shift+;', menu: 'edit' },

  { id: 'palette', name: () => m.action_palette(), key: 'Ctrl+K', menu: 'view', keyOnly: true },
  { id: 'goChat', name: () => m.action_goChat(), key: null, menu: 'view' },
  { id: 'goImages', name: () => m.action_goImages(), key: null, menu: 'view' },
  { id: 'goLibrary', name: () => m.action_goLibrary(), key: null, menu: 'view' },
  { id: 'goModels', name: () => m.action_goModels(), key: null, menu: 'view' },
  { id: 'goUsage', name: () => m.action_goUsage(), key: null, menu: 'view' },
  { id: 'toggleSidebar', name: () => m.action_toggleSidebar(), key: 'Ctrl+B', menu: 'view' },
  { id: 'togglePanel', name: () => m.action_togglePanel(), key: 'Ctrl+]', menu: 'view' },
  { id: 'toggleTheme', name: () => m.action_toggleTheme(), key: null, menu: 'view' },
  { id: 'zoomIn', name: () => m.action_zoomIn(), key: 'Ctrl+=', menu: 'view' },
  { id: 'zoomOut', name: () => m.action_zoomOut(), key: 'Ctrl+-', menu: 'view' },
  { id: 'zoomReset', name: () => m.action_zoomReset(), key: 'Ctrl+0', menu: 'view' },

  { id: 'modelPicker', name: () => m.action_modelPicker(), key: 'Ctrl+Shift+M', menu: 'chat' },
  { id: 'nextAssistant', name: () => m.action_nextAssistant(), key: 'Ctrl+J', menu: 'chat' },
  { id: 'regenerate', name: () => m.action_regenerate(), key: 'Ctrl+R', menu: 'chat' },
  { id: 'stop', name: () => m.action_stop(), key: null, menu: 'chat' },
  { id: 'editLast', name: () => m.action_editLast(), key: 'Ctrl+Shift+E', menu: 'chat' },
  { id: 'focusComposer', name: () => m.action_focusComposer(), key: 'Shift+Escape', menu: 'chat' },
  { id: 'renameChat', name: () => m.action_renameChat(), key: 'F2', menu: 'chat' },
  { id: 'pinChat', name: () => m.action_pinChat(), key: null, menu: 'chat' },
  { id: 'archiveChat', name: () => m.action_archiveChat(), key: null, menu: 'chat' },
  { id: 'deleteChat', name: () => m.action_deleteChat(), key: 'Ctrl+Shift+Backspace', menu: 'chat' },
  { id: 'nextChat', name: () => m.action_nextChat(), key: 'Ctrl+Tab', menu: 'chat' },
  { id: 'previousChat', name: () => m.action_previousChat(), key: 'Ctrl+Shift+Tab', menu: 'chat' },
  ...([1, 2, 3, 4, 5, 6, 7, 8, 9] as const).map(chatByNumber),

  { id: 'generate', name: () => m.images_action_generate(), key: 'Ctrl+Enter', menu: 'images' },
  { id: 'cancelPictures', name: () => m.images_action_cancel(), key: 'Shift+X', menu: 'images' },
  { id: 'olderPrompt', name: () => m.images_action_olderPrompt(), key: 'Alt+ArrowUp', menu: 'images' },
  { id: 'newerPrompt', name: () => m.images_action_newerPrompt(), key: 'Alt+ArrowDown', menu: 'images' },
  { id: 'reuseAll', name: () => m.images_action_reuseAll(), key: 'A', menu: 'images' },
  { id: 'reusePrompt', name: () => m.images_action_reusePrompt(), key: 'P', menu: 'images' },
  { id: 'reuseSeed', name: () => m.images_action_reuseSeed(), key: 'S', menu: 'images' },
  { id: 'remix', name: () => m.images_action_remix(), key: 'R', menu: 'images' },
  { id: 'reuseSize', name: () => m.images_action_reuseSize(), key: 'D', menu: 'images' },
  { id: 'starPicture', name: () => m.images_action_star(), key: '.', menu: 'images' },
  { id: 'pictureInfo', name: () => m.images_action_info(), key: 'I', menu: 'images' },
  { id: 'deletePicture', name: () => m.images_action_delete(), key: 'Delete', menu: 'images' },
  { id: 'selectPictures', name: () => m.images_action_selectAll(), key: 'Ctrl+A', menu: 'images' },
  { id: 'swapCompared', name: () => m.images_action_swap(), key: 'C', menu: 'images' },
  { id: 'compareMode', name: () => m.images_action_mode(), key: 'M', menu: 'images' },

  { id: 'shortcuts', name: () => m.action_shortcuts(), key: 'Ctrl+/', menu: 'help' },
  { id: 'about', name: () => m.action_about(), key: null, menu: 'help' },
] as const satisfies readonly Row[];

export type ActionId = (typeof actions)[number]['id'];

export interface Action extends Row {
  id: ActionId;
}

export const actionTable: readonly Action[] = actions;

export const menuName: Record<MenuPlace, () => string> = {
  file: () => m.menu_file(),
  edit: () => m.menu_edit(),
  view: () => m.menu_view(),
  chat: () => m.menu_chat(),
  images: () => m.nav_images(),
  help: () => m.menu_help(),
};

/** The key an action has now: the person's own, else the table's. An empty string means none. */
export function keyOf(action: Action, changed: Record<string, string>): string {
  return changed[action.id] ?? action.key ?? '';
}

/** Which action each key starts. The first in the table wins; `conflicts` names the others. */
export function bindings(changed: Record<string, string>): Map<string, ActionId> {
  const bound = new Map<string, ActionId>();
  for (const action of actionTable) {
    const key = keyOf(action, changed);
    if (key && !bound.has(key)) bound.set(key, action.id);
  }
  return bound;
}

/** Keys that more than one action claims, with the actions that claim them. */
export function conflicts(changed: Record<string, string>): Map<string, ActionId[]> {
  const claimed = new Map<string, ActionId[]>();
  for (const action of actionTable) {
    const key = keyOf(action, changed);
    if (key) claimed.set(key, [...(claimed.get(key) ?? []), action.id]);
  }
  return new Map([...claimed].filter(([, ids]) => ids.length > 1));
}
