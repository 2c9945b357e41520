// What can be done with pictures, as entries of menus: the same in the gallery, the lightbox and beside a selection.

import Columns2 from '@lucide/svelte/icons/columns-2';
import Copy from '@lucide/svelte/icons/copy';
import Download from '@lucide/svelte/icons/download';
import FileArchive from '@lucide/svelte/icons/file-archive';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import ImagePlus from '@lucide/svelte/icons/image-plus';
import Maximize2 from '@lucide/svelte/icons/maximize-2';
import Shuffle from '@lucide/svelte/icons/shuffle';
import Star from '@lucide/svelte/icons/star';
import StarOff from '@lucide/svelte/icons/star-off';
import Trash2 from '@lucide/svelte/icons/trash-2';
import Undo2 from '@lucide/svelte/icons/undo-2';
import { m } from '$i18n';
import type { Remedy } from '$ipc/faults';
import type { Picture, PictureField } from '$ipc/generated/domain';
import type { MenuEntry, MenuItem } from '$kit/Menu.svelte';
import type { App } from '$state/app.svelte';

/** What a fault of a picture can be answered with, besides another try. */
export function pictureRemedies(
  app: App,
  retry: () => void,
): Partial<Record<Remedy, { label: string; run: () => void }>> {
  return {
    retry: { label: m.retry(), run: retry },
    openAccounts: { label: m.open_settings(), run: () => app.router.go('settings', 'accounts') },
    openNetwork: { label: m.open_settings(), run: () => app.router.go('settings', 'network') },
    openUsage: { label: m.open_settings(), run: () => app.router.go('settings', 'usage') },
    openTerms: { label: m.see_models(), run: () => app.router.go('models') },
    waitForReset: { label: m.see_usage(), run: () => app.router.go('usage') },
    retryKeychain: { label: m.retry(), run: () => void app.account.retryKeychain() },
    revealDataFolder: { label: m.open_folder(), run: () => void app.attempt(() => app.backend.revealDataFolder()) },
  };
}

const fields: Record<PictureField, () => string> = {
  size: () => m.images_size(),
  steps: () => m.images_steps(),
  guidance: () => m.images_guidance(),
  seed: () => m.param_seed(),
  negativePrompt: () => m.images_negative(),
  strength: () => m.images_strength(),
};

/** The names of parts of a request, one after the other. */
export const fieldNames = (names: readonly PictureField[]): string => names.map((name) => fields[name]()).join(', ');

export function reuseEntries(app: App, picture: Picture): MenuItem[] {
  const { pictures } = app;
  return [
    {
      label: m.images_reuseAll(),
      keys: app.keys('reuseAll'),
      onselect: () => void pictures.reuse(picture, 'all'),
    },
    {
      label: m.images_reusePrompt(),
      keys: app.keys('reusePrompt'),
      onselect: () => void pictures.reuse(picture, 'prompt'),
    },
    {
      label: m.images_reuseSeed(),
      keys: app.keys('reuseSeed'),
      onselect: () => void pictures.reuse(picture, 'seed'),
    },
    {
      label: m.images_reuseSize(),
      keys: app.keys('reuseSize'),
      onselect: () => void pictures.reuse(picture, 'size'),
    },
    { label: m.images_remix(), keys: app.keys('remix'), onselect: () => void pictures.reuse(picture, 'remix') },
  ];
}

export function referenceEntry({ pictures }: App, picture: Picture): MenuItem {
  return {
    label: m.images_useAsReference(),
    icon: ImagePlus,
    onselect: () => void pictures.useAsReference(picture.id),
  };
}

/** Comparing with a neighbour, or with the one that is selected. */
export function compareEntries({ pictures }: App, picture: Picture): MenuItem[] {
  const other = (id: string | undefined, label: string): MenuItem[] =>
    id === undefined || id === picture.id
      ? []
      : [{ label, icon: Columns2, onselect: () => pictures.compare([picture.id, id]) }];
  const selected = [...pictures.gallery.selected].filter((id) => id !== picture.id);
  return [
    ...other(selected.length === 1 ? selected[0] : undefined, m.images_compareSelected()),
    ...other(pictures.beside(picture.id, -1)?.id, m.images_comparePrevious()),
    ...other(pictures.beside(picture.id, 1)?.id, m.images_compareNext()),
  ];
}

/** The first entry is what the person set as the usual way; the second is the other one. */
export function saveEntries(app: App, id: string): MenuEntry[] {
  const { pictures } = app;
  const strip = app.preferences.current.stripMetadata;
  const picture = pictures.of(id);
  const reveal: MenuItem = {
    label: m.images_reveal(),
    icon: FolderOpen,
    onselect: () => void pictures.reveal(id),
  };
  return [
    {
      label: strip ? m.images_saveStripped() : m.images_saveAs(),
      icon: Download,
      onselect: () => void pictures.save(id, strip),
    },
    { label: strip ? m.images_saveWhole() : m.images_saveStripped(), onselect: () => void pictures.save(id, !strip) },
    'line',
    { label: m.copy(), icon: Copy, onselect: () => void pictures.copy(id) },
    // What is in memory only lies in no folder.
    ...(picture?.unsaved ? [] : [reveal]),
  ];
}

export function exportEntries(app: App, ids: string[]): MenuItem[] {
  const { pictures } = app;
  const strip = app.preferences.current.stripMetadata;
  return [
    {
      label: strip ? m.images_zipStripped() : m.images_zip(),
      icon: FileArchive,
      onselect: () => void pictures.exportZip(ids, strip),
    },
    {
      label: strip ? m.images_zipWhole() : m.images_zipStripped(),
      onselect: () => void pictures.exportZip(ids, !strip),
    },
  ];
}

/** Albums with a mark on those that hold all of the pictures; choosing one puts them in or takes them out. */
export function albumEntries({ pictures }: App, ids: string[], onnew: () => void): MenuEntry[] {
  const entries: MenuEntry[] = pictures.gallery.albums.map((album) => {
    const checked = ids.length > 0 && ids.every((id) => pictures.of(id)?.albums.includes(album.id));
    return {
      label: album.name,
      checked,
      onselect: () => void pictures.setInAlbum(ids, album.id, !checked),
    };
  });
  const make: MenuItem = { label: m.images_albumNew(), icon: FolderPlus, onselect: onnew };
  return entries.length > 0 ? [...entries, 'line', make] : [make];
}

/** The menu of one tile. */
export function tileEntries(app: App, picture: Picture, onalbum: (ids: string[]) => void): MenuEntry[] {
  const { pictures } = app;
  const ids = [picture.id];
  const kind = pictures.kindOf(picture);
  if (kind === 'pending') return [{ label: m.cancel(), onselect: () => void pictures.cancel(picture.id) }];
  const whole: MenuEntry[] = [
    { label: m.images_open(), icon: Maximize2, onselect: () => (pictures.open = picture.id) },
    ...compareEntries(app, picture),
    'line',
  ];
  const file: MenuEntry[] = [
    referenceEntry(app, picture),
    { label: m.images_save(), icon: Download, items: itemsOf(saveEntries(app, picture.id)) },
    'line',
  ];
  const there = pictures.isThere(picture);
  const again: MenuItem = { label: m.images_saveAgain(), onselect: () => void pictures.saveAgain(picture.id) };
  return [
    ...(kind === 'unsaved' ? [again, 'line' as const] : []),
    ...(there ? whole : []),
    { label: m.images_reuse(), icon: Undo2, items: reuseEntries(app, picture) },
    { label: m.images_vary(), icon: Shuffle, onselect: () => void pictures.vary(picture) },
    ...(there ? file : (['line'] as const)),
    ...markEntries(app, ids, onalbum),
  ];
}

/** The menu of a tile that belongs to a selection: for all of it. */
export function selectionEntries(app: App, ids: string[], onalbum: (ids: string[]) => void): MenuEntry[] {
  const compare: MenuItem = {
    label: m.images_compare(),
    icon: Columns2,
    onselect: () => app.pictures.compare(ids),
  };
  return [
    ...(ids.length === 2 ? [compare] : []),
    ...exportEntries(app, ids),
    'line',
    ...markEntries(app, ids, onalbum),
  ];
}

/** A menu behind a menu has no lines. */
const itemsOf = (entries: MenuEntry[]): MenuItem[] => entries.filter((entry) => entry !== 'line');

function markEntries(app: App, ids: string[], onalbum: (ids: string[]) => void): MenuEntry[] {
  const { pictures } = app;
  const starred = ids.every((id) => pictures.of(id)?.starred);
  return [
    {
      label: starred ? m.images_unstar() : m.images_star(),
      icon: starred ? StarOff : Star,
      keys: app.keys('starPicture'),
      onselect: () => void pictures.star(ids, !starred),
    },
    { label: m.images_albums(), icon: FolderPlus, items: itemsOf(albumEntries(app, ids, () => onalbum(ids))) },
    {
      label: m.images_delete(),
      icon: Trash2,
      danger: true,
      keys: app.keys('deletePicture'),
      onselect: () => void pictures.delete(ids),
    },
  ];
}
